"""The events of a stream, read from JetStream itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from chassis.events.streams import stream_of

BATCH = 1_000
FETCH_SECONDS = 10.0
MORE = orjson.dumps({"batch": BATCH, "no_wait": True})


@dataclass(frozen=True, slots=True)
class Stored:
    """
    An event as its stream has it.
    """

    sequence: int
    event_id: UUID
    subject: str
    aggregate_id: UUID
    version: int


async def first_sequence(broker: Client, context: str) -> int:
    """
    Return the first sequence that the stream of *context* still holds.
    """
    return (await broker.jetstream().stream_info(stream_of(context))).state.first_seq


async def acknowledged(broker: Client, durable: str, context: str) -> int:
    """
    Return up to which sequence *durable* has acknowledged everything.
    """
    info = await broker.jetstream().consumer_info(stream_of(context), durable)
    return info.ack_floor.stream_seq if info.ack_floor else 0


async def stored_events(broker: Client, context: str) -> AsyncIterator[Stored]:
    """
    Yield what the stream of *context* holds now, in order; the headers say it all.
    """
    jetstream = broker.jetstream()
    stream = stream_of(context)
    state = (await jetstream.stream_info(stream)).state
    if not state.messages:
        return
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE,
        deliver_policy=DeliverPolicy.ALL,
        headers_only=True,
        inactive_threshold=60,
        mem_storage=True,
    )
    consumer = await jetstream.add_consumer(stream, config)
    news: asyncio.Queue[Msg] = asyncio.Queue()
    inbox = broker.new_inbox()
    # By hand: the client's own fetch takes a task and a timer for every message.
    subscription = await broker.subscribe(inbox, cb=news.put)
    try:
        while True:
            await broker.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer.name}", MORE, reply=inbox
            )
            for _ in range(BATCH):
                async with asyncio.timeout(FETCH_SECONDS):
                    message = await news.get()
                sequence = message.metadata.sequence.stream
                headers = message.headers or {}
                yield Stored(
                    sequence,
                    UUID(headers["ce-id"]),
                    message.subject,
                    UUID(headers["ce-subject"]),
                    int(headers["ce-sequence"]),
                )
                # The last one may have been deleted, so its number alone is no end.
                if sequence >= state.last_seq or not message.metadata.num_pending:
                    return
    finally:
        await subscription.unsubscribe()
        with suppress(NotFoundError, TimeoutError):
            await jetstream.delete_consumer(stream, consumer.name)
