"""
Fetching from a durable consumer: many messages at the price of few.

What the client of NATS has for this makes a task and a timer for each message, and that was half of
what a listener cost (measured). Here a request is answered into a list.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress

import orjson
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chassis.events.broker import Broker, command_of

# For so long a server that has begun to answer may pause.
_PAUSE_SECONDS = 0.05
# The server gives up a request before we do, so that none is answered to nobody.
_EARLIER_SECONDS = 0.1

# There was nothing in time, or no more than what was delivered.
_NOTHING_MORE = {"404", "408"}


class PullRefused(Exception):
    """
    The consumer cannot be fetched from, now or any more.
    """


class Pull:
    """
    A durable consumer, fetched from by one task.
    """

    def __init__(self, broker: Broker, *, stream: str, durable: str, inbox: str) -> None:
        self._broker = broker
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._inbox = inbox
        self._requests = 0
        self._answer_to = ""
        self._arrived: list[Msg] = []
        self._changed = asyncio.Event()
        self._ended = ""

    async def take(self, message: Msg) -> None:
        """
        Note what the server has sent.
        """
        status = message.headers.get("Status", "") if message.headers else ""
        if status and not message.data:
            # An answer to an earlier request may end late.
            if message.subject == self._answer_to:
                self._ended = status
        else:
            self._arrived.append(message)
        self._changed.set()

    async def fetch(self, most: int, *, seconds: float) -> list[Msg]:
        """
        Return up to *most* messages: those that are there, or the first that come in *seconds*.

        Raises:
            PullRefused: There is no such consumer, or its server is about to stop.
        """
        if not self._arrived:
            await self._ask(most, seconds)
            await self._wait_until(1, seconds)
            if self._arrived:
                # The first one says how many there were behind it.
                behind = self._arrived[0].metadata.num_pending
                await self._wait_until(min(most, 1 + behind), _PAUSE_SECONDS)
        messages, self._arrived = self._arrived[:most], self._arrived[most:]
        if not messages and self._ended and self._ended not in _NOTHING_MORE:
            raise PullRefused(f"{self._subject}: status {self._ended}")
        return messages

    async def _ask(self, most: int, seconds: float) -> None:
        self._requests += 1
        self._answer_to, self._ended = f"{self._inbox}.{self._requests}", ""
        # With `no_wait`, what is there is all of the answer; without it, the server would go on
        # answering until there are as many as asked for.
        request = {
            "batch": most,
            "expires": round(max(seconds - _EARLIER_SECONDS, seconds / 2) * 1e9),
            "no_wait": True,
        }
        await self._broker.publish(self._subject, orjson.dumps(request), reply=self._answer_to)

    async def _wait_until(self, count: int, pause_seconds: float) -> None:
        """
        Wait for *count* messages; no longer when the answer has ended, or pauses for too long.
        """
        with suppress(TimeoutError):
            while len(self._arrived) < count and not self._ended:
                self._changed.clear()
                async with asyncio.timeout(pause_seconds):
                    await self._changed.wait()


@asynccontextmanager
async def pulling(broker: Broker, *, stream: str, durable: str) -> AsyncGenerator[Pull]:
    """
    Fetch from a consumer for the length of the block.
    """
    inbox = broker.new_inbox()
    pull = Pull(broker, stream=stream, durable=durable, inbox=inbox)
    subscription = await broker.subscribe(f"{inbox}.*", cb=pull.take)
    try:
        yield pull
    finally:
        # Whatever this says must not stand in for the reason why we are here.
        with suppress(NatsError):
            await subscription.unsubscribe()


async def acknowledge(broker: Broker, messages: Iterable[Msg]) -> None:
    """
    Tell JetStream that *messages* need not come again.
    """
    await broker.publish_many([command_of(message.reply) for message in messages])
