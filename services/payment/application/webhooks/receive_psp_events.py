"""Use case: the PSP tells something."""

from collections.abc import Sequence

from services.payment.application.ports import UnitOfWork
from services.payment.application.webhooks.ports import PspEvent


async def receive_psp_events(events: Sequence[PspEvent], *, uow: UnitOfWork) -> Sequence[bool]:
    """
    Write down *events*, whose senders are known; return of each whether it is new.

    Once this returns, the PSP may be told that it was heard. Safe to repeat: an event that is
    there already stays as it is.
    """
    async with uow() as tx:
        fresh = set(await tx.psp_events.add(events))
    news: list[bool] = []
    for event in events:
        news.append(event.key in fresh)
        fresh.discard(event.key)
    return news
