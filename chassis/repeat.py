"""Jobs that are done again and again for as long as the process lives."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from chassis.backoff import backoff_seconds
from chassis.outages import is_outage

log = logging.getLogger(__name__)


async def repeat(
    job: Callable[[], Awaitable[object]], *, name: str, every_seconds: float, eager: bool = False
) -> None:
    """
    Do *job* every so often until cancelled, first after a part of that time; what it raises is
    logged, and it is done again.

    Args:
        name: What the log calls it.
        eager: Whether to do it again at once when it says that it did something.
    """
    failures = 0
    # Not all jobs of all replicas at the same moment.
    await asyncio.sleep(random.uniform(0, every_seconds))
    while True:
        try:
            did_something = await job()
        except Exception as error:
            failures += 1
            if is_outage(error):
                log.warning("%s: %s: %s", name, type(error).__name__, error)
            else:
                log.exception("%s failed", name)
            await asyncio.sleep(backoff_seconds(failures, most=2.0))
            continue
        failures = 0
        if not (eager and did_something):
            await asyncio.sleep(every_seconds)
