"""Use case: carriers say how it is with parcels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import Transaction, UnitOfWork
from services.fulfillment.application.shipments.gone_parcels import gone_of, save_with_returns
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.returns.policy import DEFAULT_POLICY, ReturnPolicy
from services.fulfillment.domain.tracking import TrackingEvent
from services.fulfillment.domain.values import FulfillmentOrderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTracking:
    """
    Attributes:
        shipment_id: `None`: the parcel is known by its tracking number.
    """

    shipment_id: ShipmentId | None
    tracking_number: str
    event: TrackingEvent


async def record_tracking(
    commands: Sequence[RecordTracking],
    *,
    uow: UnitOfWork,
    clock: Clock,
    policy: ReturnPolicy = DEFAULT_POLICY,
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Take in each thing that a carrier says, or say that there is no such parcel.

    Safe to repeat, and in any order: an event counts once, by its id, and what is noted of a parcel
    is the latest by the carrier's clock.
    """
    async with uow() as tx:
        parcels = await _parcels_of(commands, tx)
        holders = await tx.fulfillment_orders.holders_of({p for p in parcels if p})
        found = await tx.fulfillment_orders.with_ids(set(holders.values()))
        gone, now = gone_of(found), clock()
        await _note(commands, parcels, _by_parcel(found), tx=tx, now=now)
        await save_with_returns(found, gone_before=gone, tx=tx, now=now, policy=policy)
    orders = {order.id: order for order in found}
    return [
        _answer(orders, holders, command, parcel)
        for command, parcel in zip(commands, parcels, strict=True)
    ]


async def _parcels_of(
    commands: Sequence[RecordTracking], tx: Transaction
) -> Sequence[ShipmentId | None]:
    numbers = {c.tracking_number for c in commands if c.shipment_id is None}
    by_number = await tx.tracking.parcels_of(numbers) if numbers else {}
    return [c.shipment_id or by_number.get(c.tracking_number) for c in commands]


async def _note(
    commands: Sequence[RecordTracking],
    parcels: Sequence[ShipmentId | None],
    orders: Mapping[ShipmentId, FulfillmentOrder],
    *,
    tx: Transaction,
    now: datetime,
) -> None:
    told: dict[tuple[ShipmentId, str], TrackingEvent] = {}
    for command, parcel in zip(commands, parcels, strict=True):
        if parcel and parcel in orders:
            # Of two with one id, the first counts.
            told.setdefault((parcel, command.event.event_id), command.event)
    new = await tx.tracking.note(told)
    for key, event in told.items():
        if key in new:
            orders[key[0]].track(key[0], event, now)


def _by_parcel(orders: Sequence[FulfillmentOrder]) -> Mapping[ShipmentId, FulfillmentOrder]:
    return {shipment.id: order for order in orders for shipment in order.shipments}


def _answer(
    orders: Mapping[FulfillmentOrderId, FulfillmentOrder],
    holders: Mapping[ShipmentId, FulfillmentOrderId],
    command: RecordTracking,
    parcel: ShipmentId | None,
) -> FulfillmentOrder | DomainError:
    order = orders.get(holders[parcel]) if parcel and parcel in holders else None
    if order is None:
        named = command.shipment_id or command.tracking_number
        return refusals.ShipmentNotFound(f"there is no shipment {named}")
    return order
