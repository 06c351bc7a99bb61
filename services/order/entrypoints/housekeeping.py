"""What the worker forgets as time goes by."""

from datetime import timedelta

from chassis.kernel.clock import Clock
from chassis.repeat import repeat
from chassis.storage.database import Database
from chassis.storage.idempotency import forget_requests

FORGET_SECONDS = 600.0
AT_ONCE = 1_000


async def forget_old_requests(database: Database, *, kept_days: int, clock: Clock) -> None:
    """
    Forget requests older than *kept_days* until cancelled, a thousand a transaction.
    """

    async def forget() -> bool:
        before = clock() - timedelta(days=kept_days)
        async with database.begin() as tx:
            return await forget_requests(tx, before=before, limit=AT_ONCE) == AT_ONCE

    await repeat(forget, name="requests", every_seconds=FORGET_SECONDS, eager=True)
