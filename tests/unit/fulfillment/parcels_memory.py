"""Labels and tracking, kept in memory; and somebody who makes labels."""

from services.fulfillment.application.labels import Label, LabelsUnavailable
from services.fulfillment.application.shipments.ports import KeptLabel


class InMemoryParcelLabels:
    """
    By shipment: when its label is late, and the label once it is made.
    """

    def __init__(self, by_id, orders) -> None:
        self.by_id = dict(by_id)
        self._orders = orders

    async def want(self, shipment_ids, *, due_at):
        self.by_id |= dict.fromkeys(shipment_ids, (due_at, None))

    async def claim_due(self, now, *, until, limit):
        late = [id_ for id_, (at, made) in self.by_id.items() if made is None and at <= now]
        claimed = [id_ for id_ in late if self._shipment(id_)][:limit]
        self.by_id |= dict.fromkeys(claimed, (until, None))
        return claimed

    async def keep(self, labels):
        self.by_id |= {id_: (self.by_id[id_][0], label) for id_, label in labels.items()}

    async def find(self, shipment_id, provider_id):
        shipment = self._shipment(shipment_id)
        if shipment is None or shipment_id not in self.by_id:
            return None
        if provider_id != self._work(shipment_id).done_by:
            return None
        label = self.by_id[shipment_id][1]
        return KeptLabel(
            tracking_number=shipment.tracking_number,
            media_type=label.media_type if label else "",
            content=label.content if label else b"",
        )

    def _shipment(self, id_):
        # A label goes with its parcel.
        work = self._work(id_)
        return work.shipment(id_) if work else None

    def _work(self, id_):
        return next((o for o in self._orders.by_id.values() if o.shipment(id_)), None)


class InMemoryTracking:
    def __init__(self, events, orders) -> None:
        self.events = dict(events)
        self._orders = orders

    async def parcels_of(self, tracking_numbers):
        known = [s for order in self._orders.by_id.values() for s in order.shipments]
        known.sort(key=lambda shipment: shipment.packed_at or shipment.dispatched_at)
        return {s.tracking_number: s.id for s in known if s.tracking_number in tracking_numbers}

    async def note(self, events):
        new = events.keys() - self.events.keys()
        self.events = {**events, **self.events}
        return new

    async def of(self, shipment_id, *, limit):
        told = [event for (id_, _), event in self.events.items() if id_ == shipment_id]
        told.sort(key=lambda event: (event.occurred_at, event.event_id), reverse=True)
        return told[:limit]


class Printer:
    """
    Makes labels that are numbered and say for whom they are.

    Attributes:
        broken: Whether it makes none.
        meanwhile: What happens while it makes the next ones.
    """

    def __init__(self) -> None:
        self.broken = False
        self.meanwhile = None
        self.made = 0

    async def make(self, requests):
        if self.broken:
            raise LabelsUnavailable
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return [self._label(request) for request in requests]

    def _label(self, request):
        self.made += 1
        return Label(
            tracking_number=f"N{self.made}",
            carrier=request.carrier or "own",
            media_type="text/plain",
            content=f"{request.units} to {request.ship_to.name}".encode(),
        )
