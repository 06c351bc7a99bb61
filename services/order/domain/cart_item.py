"""What is in a cart, and what has changed since its owner saw it."""

from dataclasses import dataclass
from enum import StrEnum

from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.order.domain.sold_variant import SoldVariant


class CartItemChange(StrEnum):
    """
    What is different from what a cart's owner saw last.
    """

    PRICE_UP = "PRICE_UP"
    PRICE_DOWN = "PRICE_DOWN"
    TITLE = "TITLE"
    NOT_SOLD = "NOT_SOLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class CartItem:
    """
    Some units of one SKU.

    Attributes:
        seen: What the owner saw last: title and prices at any quantity, so that an item whose
            quantity changes has not changed its price.
    """

    sku: Sku
    quantity: Quantity
    seen: SoldVariant

    @property
    def seen_price(self) -> Money:
        return self.seen.price_of(self.quantity.units)

    def changes_to(self, today: SoldVariant | None) -> tuple[CartItemChange, ...]:
        """
        Return in what *today* is different from what the owner saw.
        """
        if today is None:
            return (CartItemChange.NOT_SOLD,)
        changes: list[CartItemChange] = []
        before, now = self.seen_price, today.price_of(self.quantity.units)
        if now != before:
            down = now.currency == before.currency and now.minor_units < before.minor_units
            changes.append(CartItemChange.PRICE_DOWN if down else CartItemChange.PRICE_UP)
        if today.title != self.seen.title:
            changes.append(CartItemChange.TITLE)
        return tuple(changes)
