"""Delivery promises: when everything is to arrive, and whether it did."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from services.fulfillment.domain.calendar import local_day
from services.fulfillment.domain.performance import ProviderNote
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import ProviderId, ShipmentState


class PromiseState(StrEnum):
    OPEN = "OPEN"
    KEPT = "KEPT"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPromise:
    """
    What a provider promised when it took the work on. What it says of itself later does not
    change it.

    Attributes:
        first_day: By the provider's clock, as is *last_day*.
        time_zone: Where that clock stands.
    """

    first_day: date
    last_day: date
    time_zone: str
    state: PromiseState = PromiseState.OPEN

    def is_met_at(self, moment: datetime) -> bool:
        """
        Return whether what arrives at *moment* arrives in time.
        """
        return local_day(moment, self.time_zone) <= self.last_day

    def note_on(self, parcel: Shipment, *, by: ProviderId, now: datetime) -> ProviderNote | None:
        """
        Return what the day on which *parcel* ended is to count for the provider; `None` of one
        that came back: nobody knows whose fault that was.
        """
        if parcel.state is ShipmentState.RETURNED_TO_SENDER:
            return None
        return ProviderNote(
            provider_id=by,
            day=local_day(now, self.time_zone),
            parcels=1,
            on_time=int(parcel.is_delivered and self.is_met_at(now)),
            lost=int(parcel.state is ShipmentState.LOST),
        )

    def settled(self, parcels: Iterable[Shipment]) -> "DeliveryPromise":
        """
        Return the promise as kept if all of *parcels*, which have all ended, arrived in time.
        """
        kept = all(p.delivered_at is not None and self.is_met_at(p.delivered_at) for p in parcels)
        return replace(self, state=PromiseState.KEPT if kept else PromiseState.BROKEN)
