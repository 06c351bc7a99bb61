"""Use case: parcels are packed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.labels import Labels, LabelsUnavailable
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.label_parcels import (
    WantedLabel,
    label_parcels,
    wanted_labels,
)
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import FulfillmentOrderId, Goods, ProviderId, ShipmentId

# A label that is not there by then is made by a worker: whoever packed is gone, or was refused.
LABEL_WITHIN = timedelta(seconds=15)

Answers = Sequence[FulfillmentOrder | DomainError]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackShipment:
    """
    Attributes:
        goods: What is in it; empty: all that is in no parcel yet.
        weight_grams: 0: not weighed.
        carrier: Empty: whoever makes the label says.
    """

    shipment_id: ShipmentId
    fulfillment_order_id: FulfillmentOrderId
    provider_id: ProviderId
    goods: tuple[Goods, ...]
    weight_grams: int
    carrier: str


async def pack_shipments(
    commands: Sequence[PackShipment], *, uow: UnitOfWork, labels: Labels, clock: Clock
) -> Answers:
    """
    Pack each parcel and have its label made, or say why it can't be packed.

    Safe to repeat: a shipment id stands for one parcel. Labels are made when the parcels are noted
    and no transaction is open; whoever dies before they are kept leaves them to `make_labels`, and
    the parcel waits in the state PENDING.
    """
    answers, wanted = await _pack(commands, uow=uow, clock=clock)
    try:
        labelled = await label_parcels(wanted, uow=uow, labels=labels)
    except LabelsUnavailable:
        return answers
    now = {order.id: order for order in labelled}
    return [a if isinstance(a, DomainError) else now.get(a.id, a) for a in answers]


async def _pack(
    commands: Sequence[PackShipment], *, uow: UnitOfWork, clock: Clock
) -> tuple[Answers, Sequence[WantedLabel]]:
    async with uow() as tx:
        found = await tx.fulfillment_orders.with_ids({c.fulfillment_order_id for c in commands})
        orders = {order.id: order for order in found}
        held = dict(await tx.fulfillment_orders.holders_of({c.shipment_id for c in commands}))
        known, now = held.keys() | set(), clock()
        answers = [_pack_one(orders.get(c.fulfillment_order_id), c, held, now) for c in commands]
        await tx.fulfillment_orders.save(found)
        fresh = held.keys() - known
        await tx.parcel_labels.want(fresh, due_at=now + LABEL_WITHIN)
        return answers, wanted_labels(found, fresh)


def _pack_one(
    order: FulfillmentOrder | None,
    command: PackShipment,
    held: dict[ShipmentId, FulfillmentOrderId],
    now: datetime,
) -> FulfillmentOrder | DomainError:
    if order is None:
        return refusals.FulfillmentOrderNotFound(
            f"there is no fulfillment order {command.fulfillment_order_id}"
        )
    if held.get(command.shipment_id, order.id) != order.id:
        return refusals.ShipmentMismatch(f"shipment {command.shipment_id} is of other work")
    try:
        order.pack(
            command.shipment_id,
            command.provider_id,
            goods=command.goods,
            weight_grams=command.weight_grams,
            carrier=command.carrier,
            now=now,
        )
    except DomainError as refusal:
        return refusal
    held[command.shipment_id] = order.id
    return order
