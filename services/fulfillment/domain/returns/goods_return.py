"""The Return aggregate: goods that come back, or are made good for, until all is settled."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.money import Money
from services.fulfillment.domain.returns import refusals
from services.fulfillment.domain.returns.events import (
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnDeclined,
    ReturnEvent,
    ReturnReceived,
    ReturnRequested,
)
from services.fulfillment.domain.returns.line import Count, FromParcel, ReturnLine, WantedLine
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.domain.returns.values import (
    AccountId,
    Disposition,
    Resolution,
    ReturnId,
    ReturnKind,
    ReturnState,
)
from services.fulfillment.domain.values import LocationId, OrderId, ShipmentId

GIVEN_UP = "given up by the customer"
NOTHING_CAME = "nothing came in time"

_AGREED = (ReturnState.APPROVED, ReturnState.RECEIVED, ReturnState.CLOSED)
_SETTLED = (ReturnState.RECEIVED, ReturnState.CLOSED)
_OFF = (ReturnState.DECLINED, ReturnState.CANCELLED)


@dataclass(kw_only=True, eq=False)
class Return(Aggregate[ReturnEvent]):
    """
    One machine for three roads (ADR-0035): a customer sends goods back, a parcel comes back by
    itself, or nothing comes back and is made good all the same.

    Attributes:
        location_id: Where the goods are to come; empty if none are.
        since: When it came into its state.
        due_at: When what it waits for ends by itself; `None`: it waits for nobody outside.
        reason: Why it was declined or cancelled.
        tracking_number: On its label; empty if there is none.
        shipment_id: The parcel that was lost or comes back, if it began with one.
        sent_back: The tracking number of what was not accepted, once that went back.
        harmed: Units that turned out damaged, to be noted of whoever sent their parcels when this
            is saved.
    """

    id: ReturnId
    order_id: OrderId
    account_id: AccountId
    kind: ReturnKind
    resolution: Resolution
    lines: tuple[ReturnLine, ...]
    location_id: LocationId
    created_at: datetime
    since: datetime
    state: ReturnState = ReturnState.REQUESTED
    due_at: datetime | None = None
    reason: str = ""
    tracking_number: str = ""
    shipment_id: ShipmentId | None = None
    refunded: Money | None = None
    replacement_order_id: OrderId | None = None
    sent_back: str | None = None
    harmed: list[FromParcel] = field(default_factory=list, repr=False)

    @classmethod
    def request(
        cls,
        id_: ReturnId,
        order_id: OrderId,
        account_id: AccountId,
        *,
        kind: ReturnKind,
        resolution: Resolution,
        lines: Iterable[ReturnLine],
        location_id: LocationId,
        policy: ReturnPolicy,
        now: datetime,
        shipment_id: ShipmentId | None = None,
    ) -> "Return":
        """
        Return a new one, which waits for a decision.
        """
        new = cls(
            id=id_,
            order_id=order_id,
            account_id=account_id,
            kind=kind,
            resolution=resolution,
            lines=tuple(sorted(lines, key=lambda line: line.sku)),
            location_id=location_id,
            created_at=now,
            since=now,
            due_at=now + policy.decide_within,
            shipment_id=shipment_id,
        )
        new.record(
            ReturnRequested(
                return_id=id_,
                order_id=order_id,
                account_id=account_id,
                kind=kind,
                goods=tuple(line.goods for line in new.lines),
            )
        )
        return new

    @property
    def units(self) -> int:
        return sum(line.units for line in self.lines)

    @property
    def counted(self) -> int:
        return sum(line.counted for line in self.lines)

    @property
    def holds_goods(self) -> bool:
        """
        Whether its units can be in no other return.
        """
        return self.state not in _OFF

    def pull_harmed(self) -> list[FromParcel]:
        """
        Return what is to be noted, and forget it.
        """
        harmed, self.harmed = self.harmed, []
        return harmed

    @property
    def to_be_sent_back(self) -> bool:
        """
        Whether goods that were not accepted wait to go back to the customer.
        """
        refused = any(line.refused for line in self.lines)
        return refused and self.state in _SETTLED and self.sent_back is None

    def wants(
        self,
        order_id: OrderId,
        kind: ReturnKind,
        resolution: Resolution,
        lines: Iterable[WantedLine],
    ) -> bool:
        """
        Whether it was asked for in these words.
        """
        mine = (self.order_id, self.kind, self.resolution, {line.wanted for line in self.lines})
        return mine == (order_id, kind, resolution, set(lines))

    def approve(self, policy: ReturnPolicy, now: datetime) -> None:
        """
        Agree. Goods are awaited now; of a claim there are none, so it is RECEIVED at once.

        Raises:
            ReturnNotInState: It was declined or given up.
        """
        if self.state in _AGREED:
            return  # asked again: the first answer may have been lost
        self._must_be(ReturnState.REQUESTED)
        self._move(ReturnState.APPROVED, now)
        self.due_at = now + policy.receive_within
        self.record(ReturnApproved(return_id=self.id, order_id=self.order_id))
        if self.kind is ReturnKind.CLAIM:
            self._complete(now)

    def decline(self, reason: str, now: datetime) -> None:
        """
        Turn it down.

        Raises:
            ReturnNotInState: It was decided or given up before.
        """
        if self.state is ReturnState.DECLINED and self.reason == reason:
            return  # asked again
        self._must_be(ReturnState.REQUESTED)
        self._move(ReturnState.DECLINED, now)
        self.reason = reason
        self.record(ReturnDeclined(return_id=self.id, order_id=self.order_id, reason=reason))

    def cancel(self, now: datetime) -> None:
        """
        Give it up, as the customer.

        Raises:
            ReturnNotInState: Something has come back, or comes back by itself; or it is over.
        """
        if self.state is ReturnState.CANCELLED:
            return  # asked again
        self._must_be(ReturnState.REQUESTED, ReturnState.APPROVED)
        if self.counted or self.kind is ReturnKind.UNDELIVERED:
            raise refusals.ReturnNotInState(f"goods of return {self.id} are on their way back")
        self._cancel(GIVEN_UP, now)

    def receive(self, counts: Iterable[Count], *, is_last: bool, now: datetime) -> None:
        """
        Note what came back. When all is counted, or *is_last*, it is RECEIVED.

        Raises:
            ReturnNotInState: No goods are awaited.
            ReceivedTooMuch: That is more than was to come.
            NothingToRefuse: Something is refused that no customer sent.
        """
        self._must_be(ReturnState.APPROVED)
        counts = tuple(counts)
        self._must_not_refuse(counts)
        lines = tuple(line.with_counts(counts) for line in self.lines)
        self._must_await(counts, lines)
        self.lines = lines
        if is_last or self.counted == self.units:
            self._complete(now)

    def send_back(self, tracking_number: str) -> None:
        """
        Note that what was not accepted went back to the customer.

        Raises:
            NothingToSendBack: All was accepted, or not all is counted yet.
        """
        if self.sent_back is not None:
            return  # told again
        if not self.to_be_sent_back:
            raise refusals.NothingToSendBack(f"nothing of return {self.id} is to be sent back")
        self.sent_back = tracking_number

    def close(
        self, *, refunded: Money | None, replacement_order_id: OrderId | None, now: datetime
    ) -> None:
        """
        Note that it is restocked and made good.

        Raises:
            ReturnNotInState: Not all is counted yet, or there is nothing to be made good.
        """
        if self.state is ReturnState.CLOSED:
            return  # told again
        self._must_be(ReturnState.RECEIVED)
        self._move(ReturnState.CLOSED, now)
        self.refunded, self.replacement_order_id = refunded, replacement_order_id
        self.record(ReturnClosed(return_id=self.id, order_id=self.order_id))

    def expire(self, policy: ReturnPolicy, now: datetime) -> None:
        """
        Go on without whoever it waits for, if that is overdue: what nobody decided is approved,
        of what came in part the rest is missing, and what nobody sent is given up. A parcel that
        was to come back by itself is not: it is made good even if it never comes.
        """
        if self.due_at is None or self.due_at > now:
            return
        if self.state is ReturnState.REQUESTED:
            self.approve(policy, now)
        elif self.counted or self.kind is ReturnKind.UNDELIVERED:
            self._complete(now)
        else:
            self._cancel(NOTHING_CAME, now)

    def label(self, tracking_number: str) -> None:
        """
        Note what its label says.

        Raises:
            ReturnNotInState: Nothing is to be sent.
        """
        self.must_have_label()
        self.tracking_number = tracking_number

    def must_have_label(self) -> None:
        """
        Raises:
            ReturnNotInState: Nothing is to be sent.
        """
        self._must_be(ReturnState.APPROVED)
        if self.kind is not ReturnKind.RETURN:
            raise refusals.ReturnNotInState(f"of return {self.id} nothing is to be sent")

    def _complete(self, now: datetime) -> None:
        if self.kind is not ReturnKind.CLAIM:
            self.lines = tuple(line.with_rest_missing() for line in self.lines)
        self._move(ReturnState.RECEIVED, now)
        self.harmed += [part for line in self.lines for part in line.harmed_in(self.kind)]
        self.record(
            ReturnReceived(
                return_id=self.id,
                order_id=self.order_id,
                account_id=self.account_id,
                kind=self.kind,
                resolution=self.resolution,
                location_id=self.location_id,
                goods=tuple(line.outcome(self.kind) for line in self.lines),
            )
        )

    def _cancel(self, reason: str, now: datetime) -> None:
        self._move(ReturnState.CANCELLED, now)
        self.reason = reason
        self.record(ReturnCancelled(return_id=self.id, order_id=self.order_id, reason=reason))

    def _move(self, state: ReturnState, now: datetime) -> None:
        self.state, self.since, self.due_at = state, now, None

    def _must_be(self, *states: ReturnState) -> None:
        if self.state not in states:
            raise refusals.ReturnNotInState(f"return {self.id} is {self.state}")

    def _must_not_refuse(self, counts: Iterable[Count]) -> None:
        # It is paid back whatever was counted: sent back as well, it would be a gift.
        refused = any(count.disposition is Disposition.REFUSED for count in counts)
        if refused and self.kind is ReturnKind.UNDELIVERED:
            raise refusals.NothingToRefuse(f"the goods of return {self.id} were not delivered")

    def _must_await(self, counts: Iterable[Count], lines: Iterable[ReturnLine]) -> None:
        known = {line.sku for line in self.lines}
        for count in counts:
            if count.sku not in known:
                raise refusals.ReceivedTooMuch(f"no {count.sku} is to come by return {self.id}")
        for line in lines:
            if line.counted > line.units:
                raise refusals.ReceivedTooMuch(
                    f"{line.counted} of {line.sku} are more than the {line.units} to come"
                )
