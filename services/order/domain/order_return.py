"""Goods that came back, or that were claimed, as the order sees them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chassis.kernel.text import Sku
from services.order.domain.charges import Charge
from services.order.domain.values import LocationId, OrderId, ReturnId


class ReturnKind(StrEnum):
    RETURN = "RETURN"
    UNDELIVERED = "UNDELIVERED"
    CLAIM = "CLAIM"


class Resolution(StrEnum):
    """
    What the customer gets.
    """

    REFUND = "REFUND"
    REPLACEMENT = "REPLACEMENT"


class OrderReturnState(StrEnum):
    SETTLING = "SETTLING"
    SETTLED = "SETTLED"


class RefundShipping(StrEnum):
    """
    When shipping is paid back, once all goods are: if nothing of it is the customer's doing,
    always, or never.
    """

    FAULT = "FAULT"
    ALWAYS = "ALWAYS"
    NEVER = "NEVER"


# Why goods come back that should have been sent otherwise, or carried better.
FAULTS = frozenset({"NOT_AS_DESCRIBED", "DAMAGED", "WRONG_ITEM", "LATE", "LOST", "UNDELIVERABLE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedGoods:
    """
    What came back of one SKU.

    Attributes:
        sellable: Units to be booked in as sellable; `damaged` likewise.
        accepted: Units that the customer gets money or a replacement for.
        reason: Why they came back, such as DAMAGED.
    """

    sku: Sku
    sellable: int
    damaged: int
    accepted: int
    reason: str


@dataclass(kw_only=True, eq=False)
class OrderReturn:
    """
    What is done about goods that came back.

    Attributes:
        location_id: Where the goods are; empty if nothing came back.
        units: How many of each line of the order are made good, by its number.
        refund: What is paid back; `None` until that is decided, and for what is replaced.
        replacement_id: The order that replaces the goods, if one does.
    """

    id: ReturnId
    kind: ReturnKind
    resolution: Resolution
    location_id: LocationId
    goods: tuple[ReturnedGoods, ...]
    units: Mapping[int, int]
    received_at: datetime
    state: OrderReturnState = OrderReturnState.SETTLING
    refund: Charge | None = None
    replacement_id: OrderId | None = None

    @property
    def is_settled(self) -> bool:
        return self.state is OrderReturnState.SETTLED

    @property
    def units_of_skus(self) -> Counter[Sku]:
        """
        How many units of each SKU are to be made good.
        """
        units: Counter[Sku] = Counter()
        for some in self.goods:
            units[some.sku] += some.accepted
        return units

    @property
    def units_accepted(self) -> int:
        return sum(self.units.values())

    @property
    def is_owed(self) -> bool:
        """
        Whether money is to be paid back.
        """
        return self.refund is not None and self.refund.value.minor_units > 0

    @property
    def is_replaced(self) -> bool:
        """
        Whether goods are sent anew instead of money.
        """
        return self.resolution is Resolution.REPLACEMENT and self.units_accepted > 0

    @property
    def is_nobodys_wish(self) -> bool:
        """
        Whether all that is made good should never have had to come back.
        """
        return all(some.reason in FAULTS for some in self.goods if some.accepted)
