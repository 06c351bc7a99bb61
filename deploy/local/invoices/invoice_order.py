"""An invoice as an order, and a cancellation as returns of what was ordered."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from chassis.kernel.money import Money, sum_of
from chassis.kernel.quantity import Quantity

CURRENCY = "GBP"
ANONYMOUS = "anonymous"

# Fixed: the id of a return follows from the two invoices alone.
RETURNS = UUID("9a3c6c52-2f0e-5a44-9d0b-8f6a4b0f7c15")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLine:
    sku: str
    quantity: Quantity
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceOrder:
    """
    An invoice as an order.
    """

    invoice: str
    date: datetime
    account_id: str
    country_code: str
    lines: tuple[WantedLine, ...]
    shipping: Money
    discount: Money

    @property
    def total(self) -> Money:
        items = sum_of((line.price * line.quantity for line in self.lines), CURRENCY)
        return items + self.shipping - self.discount


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceReturn:
    """
    What a cancellation gives back of one order.

    Attributes:
        cancellation: Its number, such as C536379.
        invoice: The number of the invoice that became the order.
        units: By SKU.
    """

    cancellation: str
    invoice: str
    account_id: str
    units: tuple[tuple[str, int], ...]

    @property
    def return_id(self) -> UUID:
        return uuid5(RETURNS, f"{self.cancellation} {self.invoice}")
