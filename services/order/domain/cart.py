"""The Cart aggregate: what somebody intends to buy, until they buy it or forget about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Never, NewType, Self
from uuid import UUID

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.errors import NotFound, RuleViolated
from chassis.kernel.money import MOST_MINOR_UNITS, Money, sum_of
from chassis.kernel.quantity import MOST_UNITS, Quantity
from chassis.kernel.text import Sku
from services.order.domain.cart_item import CartItem
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId, OrderId

CartId = NewType("CartId", UUID)

MOST_ITEMS = 200

# For so long a cart that has ended can be looked at, and a checkout asked for again under another
# request id. (Under the same one the answer is the order itself, with or without a cart.)
KEPT_AFTER_END = timedelta(days=30)


class CartState(StrEnum):
    OPEN = "OPEN"
    CHECKED_OUT = "CHECKED_OUT"
    MERGED = "MERGED"
    EXPIRED = "EXPIRED"


class CartCheckedOut(RuleViolated):
    pass


class CartMerged(RuleViolated):
    pass


class CartExpired(RuleViolated):
    pass


class CartFull(RuleViolated):
    pass


class CartEmpty(RuleViolated):
    pass


class CartAnonymous(RuleViolated):
    pass


class CartItemNotFound(NotFound):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """
    How long a cart is kept that nobody changes.
    """

    account: timedelta
    anonymous: timedelta


@dataclass(kw_only=True, eq=False)
class Cart(Aggregate[Never]):
    """
    What somebody intends to buy. Belongs to nobody at first, or to an account.

    Attributes:
        expires_at: When it is forgotten; once it has ended, when it is deleted.
        order_id: The order it became.
        merged_into: The cart that its items are in.
    """

    id: CartId
    account_id: AccountId | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    state: CartState = CartState.OPEN
    items: dict[Sku, CartItem] = field(default_factory=dict)
    order_id: OrderId | None = None
    merged_into: CartId | None = None

    @classmethod
    def open(
        cls, cart_id: CartId, account_id: AccountId | None, *, lifetimes: Lifetimes, now: datetime
    ) -> Self:
        """
        Return an empty cart.
        """
        cart = cls(
            id=cart_id, account_id=account_id, created_at=now, updated_at=now, expires_at=now
        )
        cart.prolong(lifetimes, now)
        return cart

    def may_be_used_by(self, caller: AccountId | None) -> bool:
        """
        Return whether it is the *caller's*, or anybody's who knows its id.
        """
        return self.account_id in (None, caller)

    def total(self, sold: Mapping[Sku, SoldVariant]) -> Money | None:
        """
        Return what the items that are sold cost today; `None` if there are none, or if no order
        could cost that.
        """
        prices = [
            sold[sku].price_of(item.quantity.units) * item.quantity
            for sku, item in self.items.items()
            if sku in sold
        ]
        if len({price.currency for price in prices}) != 1:
            return None
        total = sum_of(prices, prices[0].currency)
        return total if total.minor_units <= MOST_MINOR_UNITS else None

    def add(self, sku: Sku, quantity: Quantity, seen: SoldVariant) -> None:
        """
        Put units into the cart; of what is in it already, more of it.

        Raises:
            CartFull: 200 other SKUs are in it.
            QuantityOutOfRange: It would be more than 1,000,000 units.
        """
        self._must_be_open()
        if item := self.items.get(sku):
            more = Quantity(item.quantity.units + quantity.units)
            self.items[sku] = replace(item, quantity=more)
            return
        if len(self.items) >= MOST_ITEMS:
            raise CartFull(f"a cart holds at most {MOST_ITEMS} SKUs")
        self.items[sku] = CartItem(sku=sku, quantity=quantity, seen=seen)

    def change(self, sku: Sku, quantity: Quantity | None) -> None:
        """
        Set the units of what is in the cart; `None` takes it out.

        Raises:
            CartItemNotFound: It is not in it.
        """
        self._must_be_open()
        if sku not in self.items:
            raise CartItemNotFound(f"there is no {sku!r} in cart {self.id}")
        if quantity is None:
            del self.items[sku]
        else:
            self.items[sku] = replace(self.items[sku], quantity=quantity)

    def acknowledge(self, sku: Sku, price: Money, today: SoldVariant | None) -> None:
        """
        Note that the owner saw an item at *price*. If that is not its price any more, what has
        changed was not seen.
        """
        self._must_be_open()
        item = self.items.get(sku)
        if item and today and today.price_of(item.quantity.units) == price:
            self.items[sku] = replace(item, seen=today)

    def remove(self, sku: Sku) -> None:
        """
        Take a SKU out, if it is in.
        """
        self._must_be_open()
        self.items.pop(sku, None)

    def give_to(self, account_id: AccountId) -> None:
        """
        Let it belong to an account from now on.
        """
        self._must_be_open()
        self.account_id = account_id

    def take_over(self, other: Self, now: datetime) -> None:
        """
        Move what is in *other* here, which ends that.

        Raises:
            CartFull: Together they hold more than 200 SKUs.
        """
        self._must_be_open()
        other._must_be_open()
        if len(self.items.keys() | other.items.keys()) > MOST_ITEMS:
            raise CartFull(f"a cart holds at most {MOST_ITEMS} SKUs")
        for sku, item in other.items.items():
            here = self.items.get(sku, item)
            before = here.quantity.units if sku in self.items else 0
            units = min(before + item.quantity.units, MOST_UNITS)
            self.items[sku] = replace(here, quantity=Quantity(units))
        other.items = {}
        other.merged_into = self.id
        other._end(CartState.MERGED, now)

    def must_be_ready(self) -> None:
        """
        Say what is in the way of a checkout.

        Raises:
            CartAnonymous: It belongs to nobody yet.
            CartEmpty: There is nothing in it.
        """
        self._must_be_open()
        if self.account_id is None:
            raise CartAnonymous(f"cart {self.id} belongs to nobody: merge it first")
        if not self.items:
            raise CartEmpty(f"there is nothing in cart {self.id}")

    def check_out(self, order_id: OrderId, now: datetime) -> None:
        """
        End as an order.
        """
        self._must_be_open()
        self.order_id = order_id
        self._end(CartState.CHECKED_OUT, now)

    def expire_if_overdue(self, now: datetime) -> None:
        """
        End if nobody has changed it for so long: on time, whenever a timer comes by.
        """
        if self.state is CartState.OPEN and self.expires_at <= now:
            self._end(CartState.EXPIRED, self.expires_at)

    def prolong(self, lifetimes: Lifetimes, now: datetime) -> None:
        """
        Keep it from now on for as long as such a cart is kept.
        """
        kept = lifetimes.account if self.account_id else lifetimes.anonymous
        self.updated_at = now
        # To the next full hour: the next change in this hour then changes no index.
        hour = now.replace(minute=0, second=0, microsecond=0)
        self.expires_at = hour + timedelta(hours=1) + kept

    def _end(self, state: CartState, now: datetime) -> None:
        self.state = state
        self.updated_at = now
        self.expires_at = now + KEPT_AFTER_END

    def _must_be_open(self) -> None:
        match self.state:
            case CartState.CHECKED_OUT:
                raise CartCheckedOut(f"cart {self.id} has become an order")
            case CartState.MERGED:
                raise CartMerged(f"what was in cart {self.id} is in another one")
            case CartState.EXPIRED:
                raise CartExpired(f"cart {self.id} was kept until it expired")
            case CartState.OPEN:
                return
