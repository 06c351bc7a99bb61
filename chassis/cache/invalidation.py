"""How a replica hears what others have changed: by the events themselves, as they are published."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chassis.cache.cache import Cache

# Half a minute of a busy catalog; who falls behind further forgets everything.
MOST_PENDING = 65_536

# How often it is seen to that the broker still delivers, and how many answers may be missing: one
# is nothing but a busy process.
BEAT_SECONDS = 0.25
MOST_MISSED = 3


async def hear_changes(broker: Client, cache: Cache, *, subjects: Sequence[str]) -> None:
    """
    Drop what the events under *subjects* speak of, until cancelled.

    An event's header says which aggregate it is about and how many events there were: key and
    version. These are plain subscriptions, without a durable and without asking again: an event
    comes at most once, and to every replica. What is missed while the connection is away is made
    good by forgetting everything when it is back (`Cache.regain_touch`), and at last by expiry. A
    broker that is frozen would be missed after half a minute only; so it has to deliver a message
    of our own now and then.
    """

    async def hear(message: Msg) -> None:
        headers = message.headers or {}
        key, version = headers.get("ce-subject", ""), headers.get("ce-sequence", "")
        if key and version.isdecimal():
            cache.drop(key, int(version))

    heard = [
        await broker.subscribe(subject, cb=hear, pending_msgs_limit=MOST_PENDING)
        for subject in subjects
    ]
    try:
        # Known to the server from here on; what was read before may have changed unheard, and so
        # may what a cache server kept that was frozen before we came.
        await broker.flush()
        cache.regain_touch()
        await _see_to_delivery(broker, cache)
    finally:
        if broker.is_connected:
            for subscription in heard:
                await subscription.unsubscribe()


async def _see_to_delivery(broker: Client, cache: Cache) -> None:
    """
    Send ourselves messages, and tell *cache* when they stay away and when they come again.

    (Not pings: one that is given up is the end of the client's reading when its answer comes.)
    """
    missed = 0

    async def hear(_: Msg) -> None:
        nonlocal missed
        if missed > MOST_MISSED:
            cache.regain_touch()
        missed = 0

    inbox = broker.new_inbox()
    await broker.subscribe(inbox, cb=hear)
    while True:
        missed += 1
        if missed > MOST_MISSED:
            cache.lose_touch()
        if broker.is_connected:
            # Full buffers, or the connection is lost just now: it is missed, then.
            with suppress(NatsError, OSError, TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await broker.publish(inbox, b"")
        await asyncio.sleep(BEAT_SECONDS)
