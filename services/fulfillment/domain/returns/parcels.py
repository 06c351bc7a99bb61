"""Out of which parcels goods can be returned, and how many units of each are left to be."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.text import Sku
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.promise import DeliveryPromise
from services.fulfillment.domain.returns import refusals
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.line import FromParcel, ReturnLine, WantedLine
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.domain.returns.values import ReturnReason
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import LocationId, ShipmentId

# How many units of a SKU of a parcel are in returns.
Taken = Counter[tuple[ShipmentId, Sku]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentParcel:
    """
    A parcel that has left, when and from where, and when its goods were to arrive.

    Attributes:
        promise: `None` of what was taken on before there were promises.
    """

    shipment: Shipment
    left_at: datetime
    location_id: LocationId
    promise: DeliveryPromise | None

    def left_of(self, sku: Sku, taken: Taken) -> int:
        """
        Return how many units of it are in no return.
        """
        sent = sum(some.quantity.units for some in self.shipment.goods if some.sku == sku)
        return sent - taken[self.shipment.id, sku]


def sent_parcels(orders: Iterable[FulfillmentOrder]) -> list[SentParcel]:
    """
    Return the parcels of *orders* that have left, the oldest first.
    """
    parcels = [
        SentParcel(
            shipment=shipment,
            left_at=left_at,
            location_id=order.location_id,
            promise=order.promise,
        )
        for order in orders
        for shipment in order.shipments
        if shipment.has_left and (left_at := shipment.dispatched_at)
    ]
    return sorted(parcels, key=lambda parcel: (parcel.left_at, parcel.shipment.id))


def taken_by(returns: Iterable[Return]) -> Taken:
    """
    Return the units in *returns* that were not declined or given up: no other can take them.
    """
    taken: Taken = Counter()
    for some in returns:
        if some.holds_goods:
            for line in some.lines:
                for part in line.parcels:
                    taken[part.shipment_id, line.sku] += part.units
    return taken


def out_of_parcels(
    wanted: WantedLine,
    parcels: Sequence[SentParcel],
    taken: Taken,
    *,
    policy: ReturnPolicy,
    now: datetime,
) -> ReturnLine:
    """
    Return the line that takes what is *wanted* out of *parcels*: what arrived, as long as the
    window of its own parcel is open, the oldest first. What is claimed as lost is first of all
    what is gone or should have arrived long ago, then what is said to have arrived and did not.

    Raises:
        ReturnsExceedDelivered: So many have not arrived, or are in other returns.
        ReturnWindowClosed: They have, too long ago.
        ParcelNotOverdue: They are on their way still, as they should.
    """
    arrived = [parcel for parcel in parcels if parcel.shipment.delivered_at]
    open_ = [p for p in arrived if policy.takes_back(p.shipment.delivered_at or now, now)]
    moving: list[SentParcel] = []
    if wanted.reason is ReturnReason.LOST:
        moving = [p for p in parcels if not p.shipment.delivered_at]
    overdue = [p for p in moving if _is_overdue(p, policy, now)]
    line = _taken_out(wanted, [*overdue, *open_], taken)
    if line:
        return line
    what = f"{wanted.quantity.units} of {wanted.sku}"
    if _taken_out(wanted, [*moving, *open_], taken):
        raise refusals.ParcelNotOverdue(f"{what} are on their way, and not overdue")
    if _taken_out(wanted, [*overdue, *arrived], taken):
        raise refusals.ReturnWindowClosed(f"{what} arrived more than {policy.window.days} days ago")
    raise refusals.ReturnsExceedDelivered(f"{what} are more than arrived and are in no return")


def _is_overdue(parcel: SentParcel, policy: ReturnPolicy, now: datetime) -> bool:
    # Of a parcel that is gone all is claimed by itself, but for what was in a claim then. If that
    # one is turned down, its units are not forgotten.
    if parcel.shipment.is_gone:
        return True
    if parcel.promise:
        return not parcel.promise.is_met_at(now)
    return policy.gives_up(parcel.left_at, now)


def _taken_out(
    wanted: WantedLine, parcels: Iterable[SentParcel], taken: Taken
) -> ReturnLine | None:
    missing, parts = wanted.quantity.units, []
    for parcel in parcels:
        if units := min(missing, parcel.left_of(wanted.sku, taken)):
            parts.append(FromParcel(parcel.shipment.id, units))
            missing -= units
    return None if missing else ReturnLine(wanted=wanted, parcels=tuple(parts))
