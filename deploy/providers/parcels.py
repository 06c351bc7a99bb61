"""Which parcels the work of an order goes into, and how far they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

# Fixed, so that a repeat has the ids of what it repeats.
PARCELS = UUID("d1f2b0a4-6b1e-5f0e-8a57-3c2b9d7e4f10")

PACKED = {pb.SHIPMENT_STATE_PENDING, pb.SHIPMENT_STATE_PACKED}


@dataclass(frozen=True, slots=True)
class Parcel:
    """
    Attributes:
        lines: What is in it; empty: all that is in no other.
        dispatched_at: When it left, in microseconds since 1970; 0: it did not yet.
    """

    fulfillment_order_id: str
    number: int
    lines: tuple[pb.FulfillmentLine, ...]
    dispatched_at: int = 0

    @property
    def id(self) -> str:
        return str(uuid5(PARCELS, f"{self.fulfillment_order_id}/{self.number}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    How far the parcels of some work are: what is to be packed, to be sent, and on its way.
    """

    to_pack: Sequence[Parcel]
    to_dispatch: Sequence[Parcel]
    under_way: Sequence[Parcel]


def parcels_of(work: pb.FulfillmentOrder, count: int) -> Iterable[Parcel]:
    """
    Share the goods out over *count* parcels: as evenly as whole units allow. The last one takes
    what is left, which is less if the order changes meanwhile.
    """
    for number in range(count):
        lines = tuple(
            pb.FulfillmentLine(sku=line.sku, quantity=units)
            for line in work.lines
            if (units := (line.quantity + number) // count)
        )
        if lines:
            is_last = number == count - 1
            yield Parcel(work.fulfillment_order_id, number, () if is_last else lines)


def standing_of(work: pb.FulfillmentOrder, count: int) -> Standing:
    """
    Compare the parcels that *work* is to become with those that it has become already.
    """
    shipments = {shipment.shipment_id: shipment for shipment in work.shipments}
    to_pack: list[Parcel] = []
    to_dispatch: list[Parcel] = []
    under_way: list[Parcel] = []
    for parcel in parcels_of(work, count):
        shipment = shipments.get(parcel.id)
        if shipment is None:
            to_pack.append(parcel)
        elif shipment.state in PACKED:
            to_dispatch.append(parcel)
        elif shipment.state == pb.SHIPMENT_STATE_DISPATCHED:
            under_way.append(left(parcel, shipment))
    return Standing(to_pack=to_pack, to_dispatch=to_dispatch, under_way=under_way)


def as_dispatched(parcel: Parcel, work: pb.FulfillmentOrder) -> Parcel:
    """
    Return *parcel* as it is after it has left.
    """
    shipment = next((s for s in work.shipments if s.shipment_id == parcel.id), pb.Shipment())
    return left(parcel, shipment)


def left(parcel: Parcel, shipment: pb.Shipment) -> Parcel:
    return Parcel(
        parcel.fulfillment_order_id,
        parcel.number,
        parcel.lines,
        shipment.dispatch_time.ToMicroseconds(),
    )
