"""
What happens by itself when its time has come: authorizations expire, refunds arrive or fail, keys
are forgotten.
"""

import asyncio
import time
from typing import Any

from deploy.psp.answers import Answer
from deploy.psp.counter import Request
from deploy.psp.lane import Lane
from deploy.psp.outages import for_ever
from deploy.psp.verbs.cancel import Expire
from deploy.psp.verbs.refunds import EndRefund

SWEEP_SECONDS = 0.25
FORGET_SECONDS = 60.0
MOST = 100
MOST_FORGOTTEN = 10_000


class Clockwork:
    """
    Args:
        key_seconds: For how long idempotency keys are remembered.
    """

    def __init__(self, pool: Any, lane: Lane[Request, Answer], *, key_seconds: int) -> None:
        self._pool = pool
        self._lane = lane
        self._key_seconds = key_seconds

    async def run(self) -> None:
        """
        Do what is due, until cancelled.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(for_ever(self._move_on))
            tasks.create_task(for_ever(self._forget))

    async def _move_on(self) -> None:
        expired = await self._pool.fetch(_EXPIRED, int(time.time()), MOST)
        refunds = await self._pool.fetch(_REFUNDS, time.time(), MOST)
        due = [Request(account=row[1], command=Expire(payment=row[0])) for row in expired]
        due += [
            Request(account=row[1], command=EndRefund(refund=row[0], status=row[2]))
            for row in refunds
        ]
        await asyncio.gather(*map(self._lane, due))
        if len(due) < MOST:
            await asyncio.sleep(SWEEP_SECONDS)

    async def _forget(self) -> None:
        gone = await self._pool.execute(
            _FORGET, int(time.time()) - self._key_seconds, MOST_FORGOTTEN
        )
        if gone != f"DELETE {MOST_FORGOTTEN}":
            await asyncio.sleep(FORGET_SECONDS)


_EXPIRED = "SELECT id, account FROM payments WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"
_REFUNDS = """
    SELECT id, account, becomes FROM refunds WHERE due_at <= $1 ORDER BY due_at LIMIT $2
"""
_FORGET = """
    DELETE FROM keys USING (
        SELECT account, key FROM keys WHERE created <= $1 ORDER BY created LIMIT $2
    ) AS old
    WHERE (keys.account, keys.key) = (old.account, old.key)
"""
