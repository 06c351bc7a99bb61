"""What happens by itself when its time has come: authorizations expire, refunds arrive or fail."""

import asyncio
import time
from typing import Any

from deploy.psp.counter import Answer, Request
from deploy.psp.lane import Lane
from deploy.psp.verbs.cancel import Expire
from deploy.psp.verbs.refunds import EndRefund

SWEEP_SECONDS = 0.25
MOST = 100


async def keep_time(pool: Any, lane: Lane[Request, Answer]) -> None:
    """
    Do what is due, until cancelled.
    """
    while True:
        due = [
            *(
                Request(account=row[1], command=Expire(payment=row[0]))
                for row in await expired(pool)
            ),
            *(
                Request(account=row[1], command=EndRefund(refund=row[0], status=row[2]))
                for row in await pool.fetch(_REFUNDS, time.time(), MOST)
            ),
        ]
        async with asyncio.TaskGroup() as tasks:
            for request in due:
                tasks.create_task(lane(request))
        if len(due) < MOST:
            await asyncio.sleep(SWEEP_SECONDS)


async def expired(pool: Any) -> Any:
    return await pool.fetch(_EXPIRED, int(time.time()), MOST)


_EXPIRED = "SELECT id, account FROM payments WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"
_REFUNDS = """
    SELECT id, account, becomes FROM refunds WHERE due_at <= $1 ORDER BY due_at LIMIT $2
"""
