"""How a replica hears what others have changed: by the events themselves, as they are published."""

import asyncio
from collections.abc import Sequence

from nats.aio.client import Client
from nats.aio.msg import Msg

from chassis.cache.cache import Cache

# Half a minute of a busy catalog; who falls behind further forgets everything.
MOST_PENDING = 65_536


async def hear_changes(broker: Client, cache: Cache, *, subjects: Sequence[str]) -> None:
    """
    Drop what the events under *subjects* speak of, until cancelled.

    An event's header says which aggregate it is about and how many events there were: key and
    version. These are plain subscriptions, without a durable and without asking again: an event
    comes at most once, and to every replica. What is missed while the connection is away is made
    good by forgetting everything when it is back (`Cache.regain_touch`), and at last by expiry.
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
        # Known to the server from here on; what was read before may have changed unheard.
        await broker.flush()
        cache.forget_all()
        await asyncio.get_running_loop().create_future()
    finally:
        if broker.is_connected:
            for subscription in heard:
                await subscription.unsubscribe()
