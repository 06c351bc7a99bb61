"""What the use cases of parcels need from the outside, in their own words."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.fulfillment.application.labels import Label
from services.fulfillment.domain.tracking import TrackingEvent
from services.fulfillment.domain.values import ProviderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLabel:
    """
    The label of a parcel.

    Attributes:
        content: Empty while it is being made.
    """

    tracking_number: str
    media_type: str
    content: bytes


class ParcelLabels(Protocol):
    """
    The labels of packed parcels, made or still to be made. They go with their parcels.
    """

    async def want(self, shipment_ids: Collection[ShipmentId], *, due_at: datetime) -> None:
        """
        Note that these new parcels need labels, and that they are late from *due_at* on.
        """
        ...

    async def claim_due(
        self, now: datetime, *, until: datetime, limit: int
    ) -> Collection[ShipmentId]:
        """
        Return parcels whose label is late, and leave them alone *until* then.
        """
        ...

    async def keep(self, labels: Mapping[ShipmentId, Label]) -> None: ...

    async def find(self, shipment_id: ShipmentId, provider_id: ProviderId) -> KeptLabel | None:
        """
        Return the label of a parcel, if that provider does its work.
        """
        ...


class Tracking(Protocol):
    """
    All that carriers have said.
    """

    async def parcels_of(self, tracking_numbers: Collection[str]) -> Mapping[str, ShipmentId]:
        """
        Return which parcels have these numbers: of several with one, the last.
        """
        ...

    async def note(
        self, events: Mapping[tuple[ShipmentId, str], TrackingEvent]
    ) -> Set[tuple[ShipmentId, str]]:
        """
        Note what was said of which parcel, by the parcel and the id of the event, and return what
        was not heard before.
        """
        ...

    async def of(self, shipment_id: ShipmentId, *, limit: int) -> Sequence[TrackingEvent]:
        """
        Return what was said of a parcel, latest first.
        """
        ...
