"""What may be asked of an order that is under way: to be cancelled, to be changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chassis.kernel.errors import InvalidInput, RuleViolated
from services.order.domain.cancellation import Cancellation
from services.order.domain.events import OrderChanged
from services.order.domain.order_change import (
    CountryChanged,
    OrderChange,
    changed_lines,
    reduced_allocations,
)
from services.order.domain.order_state import OrderState
from services.order.domain.values import (
    Address,
    Allocation,
    OrderStatus,
    Reason,
    RequestState,
)

DISPATCHED = "ORDER_DISPATCHED"
ENDED = "ORDER_ENDED"


class OrderDispatched(RuleViolated):
    pass


class OrderEnded(RuleViolated):
    pass


class OrderBeingCancelled(RuleViolated):
    pass


class ChangeUnderWay(RuleViolated):
    pass


class DiscountTooHigh(InvalidInput):
    pass


@dataclass(kw_only=True, eq=False)
class OrderRequests(OrderState):
    """
    An order as its customer and the shop's operators see it: they may ask for something, and
    are told what became of it. The saga sees to it.
    """

    def request_cancellation(self, reason: Reason, *, by: str, note: str, now: datetime) -> bool:
        """
        Ask for the order not to be kept; return whether that is new. Asking again changes nothing,
        unless the last time it was refused.

        Raises:
            OrderDispatched: A parcel has left.
            OrderEnded: It has come to another end.
        """
        if self.status is OrderStatus.CANCELLED or self.is_to_be_cancelled:
            return False
        self._must_be_under_way()
        self.cancellation = Cancellation(reason=reason, note=note, requested_at=now)
        self.note(now, f"cancellation requested: {note}" if note else "cancellation requested", by)
        return True

    def refuse_cancellation(self, refusal: str, now: datetime) -> None:
        """
        Answer that the order is kept.
        """
        if self.cancellation and self.is_to_be_cancelled:
            self.cancellation = replace(
                self.cancellation, state=RequestState.REFUSED, refusal=refusal
            )
            self.note(now, f"cancellation refused: {refusal}", "fulfillment")

    def ask_provider(self, provider: str, now: datetime) -> bool:
        """
        Note that a provider is asked to give the work up; of an order that has ended it is no news.
        """
        if self.has_ended:
            return False
        self.note(now, f"cancellation requested of {provider}", "fulfillment")
        return True

    def keep_work(self, reason: str, provider: str, now: datetime) -> bool:
        """
        Note that the work was not given up; of an order that has ended it is no news.
        """
        if self.has_ended:
            return False
        self.note(now, f"work kept: {reason}" if reason else "work kept", provider)
        return True

    def request_change(
        self, ship_to: Address | None, quantities: Mapping[int, int], now: datetime
    ) -> bool:
        """
        Ask for another address (`None`: it stays) and for smaller lines, by their numbers; return
        whether that is new. What is so already, or is under way, is no news.

        Raises:
            OrderDispatched: A parcel has left.
            OrderEnded: It is no longer under way.
            OrderBeingCancelled: It will not be kept.
            ChangeUnderWay: Another change has no answer yet.
            CountryChanged: The address is in another country.
            LineNotFound: There is no line of that number.
            QuantityGrows: A line would have more than it has.
            NothingLeft: No line would stay.
            DiscountTooHigh: What stays costs nothing any more.
        """
        # Before its lines are looked for: those it has taken out are gone.
        if self.change and self.change.counts and self.change.says(ship_to, quantities):
            return False
        lines = changed_lines(self.lines, quantities)
        if lines == self.lines and ship_to in (None, self.ship_to):
            return False
        self._must_be_under_way()
        if self.reason or self.is_to_be_cancelled:
            raise OrderBeingCancelled(f"order {self.id} is being cancelled")
        if self.is_to_be_changed:
            raise ChangeUnderWay(f"order {self.id} is being changed: see what becomes of it first")
        if ship_to and ship_to.country_code != self.ship_to.country_code:
            raise CountryChanged(
                f"ship_to.country_code stays {self.ship_to.country_code}",
                field="ship_to.country_code",
            )
        if self.total_of(lines).minor_units <= 0 and not self.is_free:
            raise DiscountTooHigh("discount leaves nothing to pay for these lines", field="lines")
        self.change = OrderChange(
            number=self.change.number + 1 if self.change else 1,
            ship_to=ship_to,
            quantities=dict(quantities),
            requested_at=now,
        )
        self.note(now, "change requested", "customer")
        return True

    @property
    def kept_by_change(self) -> tuple[Allocation, ...]:
        """
        What of the allocations stays under the change that is under way.
        """
        assert self.change
        return reduced_allocations(
            self.allocations, changed_lines(self.lines, self._quantities_left())
        )

    def apply_change(self, now: datetime) -> None:
        """
        Let the change count, as fulfillment works by it from now on.
        """
        if not self.change or self.change.state is not RequestState.REQUESTED:
            return
        self.allocations = self.kept_by_change
        self.lines = changed_lines(self.lines, self._quantities_left())
        self.ship_to = self.change.ship_to or self.ship_to
        self.terms_changed = True
        self.change = replace(self.change, state=RequestState.ACCEPTED)
        self.record(
            OrderChanged(
                order_id=self.id,
                change_number=self.change.number,
                grand_total=self.grand_total,
                goods=self.goods,
            )
        )
        self.note(now, "order changed", "fulfillment")

    def settle_change(self, now: datetime) -> None:
        """
        Note that the goods which went out of the order were given back.
        """
        self.apply_change(now)
        if self.change and self.is_to_be_changed:
            self.change = replace(self.change, settled=True)

    def refuse_change(self, refusal: str, now: datetime) -> None:
        """
        Answer that the order stays as it is.
        """
        if self.change and self.change.state is RequestState.REQUESTED:
            self.change = replace(self.change, state=RequestState.REFUSED, refusal=refusal)
            self.note(now, f"change refused: {refusal}", "fulfillment")

    def answer_requests_at_dispatch(self, change_number: int, now: datetime) -> None:
        """
        Answer what was asked for, now that a parcel has left under the change *change_number*.
        """
        self.refuse_cancellation(DISPATCHED, now)
        if self.change and self.change.number <= change_number:
            self.apply_change(now)
        else:
            self.refuse_change(DISPATCHED, now)

    def answer_requests_at_end(self, now: datetime) -> None:
        """
        Answer what was asked for, now that the order is not kept and all has gone back.
        """
        if self.cancellation and self.is_to_be_cancelled:
            self.cancellation = replace(self.cancellation, state=RequestState.ACCEPTED)
        self.refuse_change(ENDED, now)
        if self.change and self.is_to_be_changed:
            self.change = replace(self.change, settled=True)

    def _quantities_left(self) -> Mapping[int, int]:
        """
        Return what the change says of lines that are there: asked again, others are gone already.
        """
        assert self.change
        known = {line.number for line in self.lines}
        return {n: units for n, units in self.change.quantities.items() if n in known}

    def _must_be_under_way(self) -> None:
        if self.has_ended:
            raise OrderEnded(f"order {self.id} is {self.status}")
        if self.shipments:
            raise OrderDispatched(f"a parcel of order {self.id} has left")
