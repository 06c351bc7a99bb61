"""The one way in which a service connects to NATS."""

import logging
from collections.abc import Callable

import nats
from nats.aio.client import Client
from nats.errors import SlowConsumerError

log = logging.getLogger(__name__)


def _nothing() -> None:
    pass


async def connect_broker(
    url: str,
    *,
    name: str,
    on_loss: Callable[[], None] = _nothing,
    on_return: Callable[[], None] = _nothing,
) -> Client:
    """
    Connect to the NATS servers at *url* (comma-separated) and stay connected: a lost connection
    is made again for as long as the process lives.

    Args:
        on_loss: Called when plain subscriptions no longer hear.
        on_return: Called when they hear again, and may have missed something.
    """

    async def failed(error: Exception) -> None:
        # The default prints a stack for every failed attempt.
        log.warning("nats: %s", type(error).__name__)
        if isinstance(error, SlowConsumerError):
            on_return()  # it hears, but has dropped something

    async def disconnected() -> None:
        on_loss()

    async def reconnected() -> None:
        log.info("nats: connected again")
        on_return()

    return await nats.connect(
        url.split(","),
        name=name,
        max_reconnect_attempts=-1,
        # Applies to the first connect too, so it is short.
        reconnect_time_wait=0.2,
        ping_interval=10,
        max_outstanding_pings=2,
        error_cb=failed,
        disconnected_cb=disconnected,
        reconnected_cb=reconnected,
    )
