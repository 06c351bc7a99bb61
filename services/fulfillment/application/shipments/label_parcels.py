"""Labels are made for packed parcels, and the parcels can leave."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.fulfillment.application.labels import Label, LabelRequest, Labels
from services.fulfillment.application.ports import Transaction, UnitOfWork
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import ShipmentId, ShipmentState, units_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLabel:
    shipment_id: ShipmentId
    request: LabelRequest


def wanted_labels(
    orders: Sequence[FulfillmentOrder], among: Collection[ShipmentId]
) -> Sequence[WantedLabel]:
    """
    Return the labels that are to be made for those parcels of *orders* that are *among* some.
    """
    return [
        WantedLabel(shipment_id=shipment.id, request=_request(order, shipment))
        for order in orders
        for shipment in order.shipments
        if shipment.id in among and shipment.state is ShipmentState.PENDING
    ]


async def label_parcels(
    wanted: Sequence[WantedLabel], *, uow: UnitOfWork, labels: Labels
) -> Sequence[FulfillmentOrder]:
    """
    Make labels, keep them, and return the work whose parcels can leave now.

    Safe to repeat, and for two at once: the first label that is kept counts. A parcel that was
    unpacked meanwhile, or packed anew with something else in it or for another place, gets none
    that was made for what it was.

    Raises:
        LabelsUnavailable: None can be had: the parcels wait.
    """
    if not wanted:
        return []
    made = await labels.make([want.request for want in wanted])
    async with uow() as tx:
        return await _keep(wanted, made, tx=tx)


async def _keep(
    wanted: Sequence[WantedLabel], made: Sequence[Label], *, tx: Transaction
) -> Sequence[FulfillmentOrder]:
    holders = await tx.fulfillment_orders.holders_of({want.shipment_id for want in wanted})
    found = await tx.fulfillment_orders.with_ids(set(holders.values()))
    still = wanted_labels(found, holders)
    orders = {order.id: order for order in found}
    kept: dict[ShipmentId, Label] = {}
    for want, label in zip(wanted, made, strict=True):
        if want in still:
            kept[want.shipment_id] = label
            orders[holders[want.shipment_id]].label(
                want.shipment_id, tracking_number=label.tracking_number, carrier=label.carrier
            )
    await tx.fulfillment_orders.save(found)
    await tx.parcel_labels.keep(kept)
    return found


def _request(order: FulfillmentOrder, shipment: Shipment) -> LabelRequest:
    return LabelRequest(
        parcel_id=shipment.id,
        ship_from=order.location_id,
        ship_to=order.ship_to,
        units=units_of(shipment.goods),
        weight_grams=shipment.weight_grams,
        carrier=shipment.carrier,
        reference=str(order.order_id),
    )
