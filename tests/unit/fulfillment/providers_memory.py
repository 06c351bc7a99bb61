"""Providers and their days, in memory."""

from dataclasses import replace
from datetime import timedelta

from services.fulfillment.application.providers.ports import OfferExplanation
from services.fulfillment.domain import refusals
from services.fulfillment.domain.performance import DAYS, Performance

COUNTS = ("accepted", "rejected", "expired", "parcels", "on_time", "lost", "damaged")


class InMemoryProviders:
    def __init__(self, by_id) -> None:
        self.by_id = by_id

    async def all(self):
        return [self.by_id[id_] for id_ in sorted(self.by_id)]

    async def with_ids(self, ids):
        return [provider for provider in await self.all() if provider.id in ids]

    async def put(self, provider):
        self.by_id[provider.id] = provider

    async def suspend(self, provider_id, *, suspended, reason):
        if provider_id not in self.by_id:
            raise refusals.ProviderNotFound(f"there is no provider {provider_id}")
        self.by_id[provider_id] = replace(
            self.by_id[provider_id], suspended=suspended, suspension_reason=reason
        )
        return self.by_id[provider_id]


class InMemoryProviderDays:
    def __init__(self, notes) -> None:
        self.notes = notes

    async def recent(self, provider_ids, now):
        since = now.date() - timedelta(days=DAYS)
        return {id_: self._performance(id_, since) for id_ in provider_ids}

    async def lock(self, days):
        return {(id_, day): self._taken(id_, day) for id_, day in days}

    async def note(self, notes):
        self.notes += notes
        assert all(self._taken(note.provider_id, note.day) >= 0 for note in notes)

    def _taken(self, id_, day):
        return sum(n.taken for n in self.notes if (n.provider_id, n.day) == (id_, day))

    def _performance(self, id_, since):
        notes = [n for n in self.notes if n.provider_id == id_ and n.day > since]
        sums = {name: sum(getattr(note, name) for note in notes) for name in COUNTS}
        return Performance(**sums, taken={n.day: self._taken(id_, n.day) for n in notes})


class InMemoryOfferExplanations:
    def __init__(self, orders) -> None:
        self._orders = orders

    async def of(self, order_id):
        if order_id not in self._orders.by_id:
            raise refusals.FulfillmentOrderNotFound(f"there is no fulfillment order {order_id}")
        return [
            OfferExplanation(
                offer_id=offer.id,
                provider_id=offer.provider_id,
                offered_at=offer.expires_at,
                ranking=offer.ranking,
            )
            for offer in self._orders.by_id[order_id].offers
        ]
