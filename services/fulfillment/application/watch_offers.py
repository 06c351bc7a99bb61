"""Use case: a provider follows the offers made to it."""

from collections.abc import AsyncIterator, Sequence

from services.fulfillment.application.ports import OfferedWork, OfferNotices, UnitOfWork
from services.fulfillment.domain.values import OfferId, ProviderId

# How much work is told at once.
CHUNK = 200


async def watch_offers(
    provider_id: ProviderId, *, uow: UnitOfWork, notices: OfferNotices
) -> AsyncIterator[Sequence[OfferedWork]]:
    """
    Yield the open offers of a provider, then each new one soon after it is made, and each once more
    soon after its work was changed.

    None is missed: a notice only saves time. What it names is read from the database, all that
    came together in one query; and every now and then all open offers are compared with those
    that were sent.
    """
    # By the last change that each followed.
    sent: dict[OfferId, int] = {}
    # Listening begins before the first look, so that nothing falls between them.
    with notices.of(provider_id) as news:
        async for noticed in news:
            if noticed is None:
                async with uow() as tx:
                    noticed = await tx.open_offers.of(provider_id)
                # What is no longer open does not come again.
                sent = {id_: number for id_, number in sent.items() if id_ in noticed}
            # Ids sort by age.
            new = sorted(id_ for id_, number in noticed.items() if number > sent.get(id_, -1))
            for chunk in (new[start : start + CHUNK] for start in range(0, len(new), CHUNK)):
                async with uow() as tx:
                    work = await tx.open_offers.read(provider_id, chunk)
                if work:
                    yield work
                sent |= {id_: noticed[id_] for id_ in chunk}
                sent |= {some.offer.id: some.offer.change_number for some in work}
