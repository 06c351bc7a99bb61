"""Use case: what the PSP has told and nobody heard is fetched."""

from datetime import datetime

from services.payment.application.ports import UnitOfWork
from services.payment.application.webhooks.ports import PspEventFeed
from services.payment.application.webhooks.receive_psp_events import receive_psp_events
from services.payment.domain.values import PspAccount


async def fetch_psp_events(
    account: PspAccount, *, uow: UnitOfWork, feed: PspEventFeed, since: datetime
) -> int:
    """
    Write down what *account* has told since then and no webhook has brought; return how many events
    that was.

    A webhook may be lost on either side, and nobody asks about a dispute that he does not know of.
    Safe to repeat, and in any number of replicas: an event that was heard changes nothing.

    Raises:
        PspUnavailable: The PSP does not answer. What was fetched before is written down.
    """
    missed = 0
    async for events in feed.told_since(account, since):
        missed += sum(await receive_psp_events(events, uow=uow))
    return missed
