"""The records cannot be reached: that passes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import asyncpg

log = logging.getLogger(__name__)

OUTAGES = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)
PAUSE_SECONDS = 0.5


async def for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """
    Do *work* again and again until cancelled; after an outage, when it may be over.
    """
    while True:
        try:
            await work()
        except OUTAGES as error:
            log.warning("the records cannot be reached: %s", type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
