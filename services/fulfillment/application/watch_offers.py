"""Use case: a provider follows the offers made to it, and what it is asked to give up."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from services.fulfillment.application.ports import (
    Noticed,
    OfferedWork,
    OfferNotices,
    UnitOfWork,
)
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import FulfillmentOrderId, OfferId, ProviderId

# How much work is told at once.
CHUNK = 200

Id = TypeVar("Id", OfferId, FulfillmentOrderId)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """
    Attributes:
        cancellations: Work that is asked to be given up.
    """

    offers: Sequence[OfferedWork] = ()
    cancellations: Sequence[FulfillmentOrder] = ()


@dataclass(slots=True)
class _Sent:
    """
    What was sent: offers by the last change that each followed, cancellations by their deadline.
    """

    offers: dict[OfferId, int] = field(default_factory=dict)
    cancellations: dict[FulfillmentOrderId, datetime] = field(default_factory=dict)

    def forget_all_but(self, open_now: Noticed) -> None:
        """
        Forget what is no longer open, as it does not come again.
        """
        self.offers = {i: number for i, number in self.offers.items() if i in open_now.offers}
        asked = open_now.cancellations
        self.cancellations = {i: by for i, by in self.cancellations.items() if i in asked}


async def watch_offers(
    provider_id: ProviderId, *, uow: UnitOfWork, notices: OfferNotices
) -> AsyncIterator[Watched]:
    """
    Yield the open offers of a provider and what it is asked to give up, then each new one soon
    after it is made, and each offer once more soon after its work was changed.

    None is missed: a notice only saves time. What it names is read from the database, all that
    came together in one query; and every now and then all that is open is compared with what was
    sent.
    """
    sent = _Sent()
    # Listening begins before the first look, so that nothing falls between them.
    with notices.of(provider_id) as news:
        async for noticed in news:
            if noticed is None:
                noticed = await _all_open(provider_id, uow)
                sent.forget_all_but(noticed)
            async for offers in _new_offers(provider_id, noticed.offers, sent.offers, uow):
                yield Watched(offers=offers)
            asked = noticed.cancellations
            async for work in _newly_asked(provider_id, asked, sent.cancellations, uow):
                yield Watched(cancellations=work)


async def _new_offers(
    provider_id: ProviderId,
    noticed: Mapping[OfferId, int],
    sent: dict[OfferId, int],
    uow: UnitOfWork,
) -> AsyncIterator[Sequence[OfferedWork]]:
    # Ids sort by age.
    new = sorted(id_ for id_, number in noticed.items() if number > sent.get(id_, -1))
    for chunk in _chunks(new):
        async with uow() as tx:
            work = await tx.open_offers.read(provider_id, chunk)
        if work:
            yield work
        sent.update({id_: noticed[id_] for id_ in chunk})
        sent.update({some.offer.id: some.offer.change_number for some in work})


async def _newly_asked(
    provider_id: ProviderId,
    noticed: Mapping[FulfillmentOrderId, datetime],
    sent: dict[FulfillmentOrderId, datetime],
    uow: UnitOfWork,
) -> AsyncIterator[Sequence[FulfillmentOrder]]:
    new = sorted(id_ for id_, answer_by in noticed.items() if sent.get(id_) != answer_by)
    for chunk in _chunks(new):
        async with uow() as tx:
            work = await tx.open_cancellations.read(provider_id, chunk)
        if work:
            yield work
        sent.update({id_: noticed[id_] for id_ in chunk})


async def _all_open(provider_id: ProviderId, uow: UnitOfWork) -> Noticed:
    async with uow() as tx:
        return Noticed(
            offers=await tx.open_offers.of(provider_id),
            cancellations=await tx.open_cancellations.of(provider_id),
        )


def _chunks(ids: Sequence[Id]) -> Sequence[Sequence[Id]]:
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
