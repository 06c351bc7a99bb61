"""The one way in which a service connects to NATS."""

import logging

import nats
from nats.aio.client import Client

log = logging.getLogger(__name__)


async def connect_broker(url: str, *, name: str) -> Client:
    """
    Connect to the NATS servers at *url* (comma-separated) and stay connected: a lost connection
    is made again for as long as the process lives.
    """

    async def lost(error: Exception) -> None:
        # The default prints a stack for every failed attempt.
        log.warning("nats: %s", type(error).__name__)

    async def reconnected() -> None:
        log.info("nats: connected again")

    return await nats.connect(
        url.split(","),
        name=name,
        max_reconnect_attempts=-1,
        # Applies to the first connect too, so it is short.
        reconnect_time_wait=0.2,
        ping_interval=10,
        max_outstanding_pings=2,
        error_cb=lost,
        reconnected_cb=reconnected,
    )
