"""What asking to return and claiming have in common: units are taken out of parcels, once."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.returns import refusals
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.line import ReturnLine, WantedLine
from services.fulfillment.domain.returns.parcels import (
    SentParcel,
    out_of_parcels,
    sent_parcels,
    taken_by,
)
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.domain.returns.values import (
    NOWHERE,
    AccountId,
    Resolution,
    ReturnId,
    ReturnKind,
)
from services.fulfillment.domain.values import LocationId, OrderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    What a customer asks for.
    """

    return_id: ReturnId
    order_id: OrderId
    account_id: AccountId
    kind: ReturnKind
    resolution: Resolution
    lines: tuple[WantedLine, ...]


async def open_returns(
    wishes: Sequence[Wish], *, uow: UnitOfWork, clock: Clock, policy: ReturnPolicy
) -> Sequence[Return | DomainError]:
    """
    Open a return for each wish, approved at once if the policy says so, or say why not.

    The fulfillment orders are locked before the returns are read: of two that want the same last
    unit, the second finds it taken. Safe to repeat: a return that is there in the same words is
    answered as it stands.
    """
    ids = {wish.order_id for wish in wishes}
    async with uow() as tx:
        work: dict[OrderId, list[FulfillmentOrder]] = defaultdict(list)
        for order in await tx.fulfillment_orders.of_orders(ids):
            work[order.order_id].append(order)
        found = await tx.returns.of_orders(ids, {wish.return_id for wish in wishes})
        # Only now that all is locked: whoever held it before may have taken a while.
        counter = _Counter(found, policy=policy, now=clock())
        answers = [counter.answer(wish, work[wish.order_id]) for wish in wishes]
        await tx.returns.save(counter.opened)
    return answers


class _Counter:
    """
    Where one wish after the other is answered, each knowing what those before it took.
    """

    def __init__(self, found: Sequence[Return], *, policy: ReturnPolicy, now: datetime) -> None:
        self.opened: list[Return] = []
        self._policy = policy
        self._now = now
        self._known = {some.id: some for some in found}
        self._of_order: dict[OrderId, list[Return]] = defaultdict(list)
        for some in found:
            self._of_order[some.order_id].append(some)

    def answer(self, wish: Wish, work: Sequence[FulfillmentOrder]) -> Return | DomainError:
        try:
            parcels = _parcels_of(wish, work)
            known = self._known.get(wish.return_id)
            if known is None:
                return self._open(wish, parcels)
            _must_be(known, wish)
        except DomainError as refusal:
            return refusal
        return known

    def _open(self, wish: Wish, parcels: Sequence[SentParcel]) -> Return:
        taken = taken_by(self._of_order[wish.order_id])
        lines = [
            out_of_parcels(wanted, parcels, taken, policy=self._policy, now=self._now)
            for wanted in wish.lines
        ]
        new = Return.request(
            wish.return_id,
            wish.order_id,
            wish.account_id,
            kind=wish.kind,
            resolution=wish.resolution,
            lines=lines,
            location_id=NOWHERE if wish.kind is ReturnKind.CLAIM else _home_of(lines, parcels),
            policy=self._policy,
            now=self._now,
        )
        if self._policy.approves_at_once(new.kind, new.units):
            new.approve(self._policy, self._now)
        self.opened.append(new)
        self._known[new.id] = new
        self._of_order[new.order_id].append(new)
        return new


def _parcels_of(wish: Wish, work: Sequence[FulfillmentOrder]) -> list[SentParcel]:
    parcels = sent_parcels(order for order in work if order.account_id == wish.account_id)
    if not parcels:
        raise refusals.OrderNotFound(f"nothing of an order {wish.order_id} was sent")
    return parcels


def _must_be(known: Return, wish: Wish) -> None:
    asked = known.wants(wish.order_id, wish.kind, wish.resolution, wish.lines)
    if not asked or known.account_id != wish.account_id:
        raise refusals.ReturnMismatch(f"return {wish.return_id} was asked for in other words")


def _home_of(lines: Sequence[ReturnLine], parcels: Sequence[SentParcel]) -> LocationId:
    """
    Return the location that sent most of it.
    """
    sent_from: dict[ShipmentId, LocationId] = {p.shipment.id: p.location_id for p in parcels}
    units: Counter[LocationId] = Counter()
    for line in lines:
        for part in line.parcels:
            units[sent_from[part.shipment_id]] += part.units
    return min(units, key=lambda location_id: (-units[location_id], location_id))
