"""The events that a stream holds, read from JetStream itself."""

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
_MORE = orjson.dumps({"batch": BATCH, "no_wait": True})


@dataclass(frozen=True, slots=True)
class Stored:
    """
    An event as its stream has it.

    Attributes:
        payload: Empty unless it was asked for.
    """

    sequence: int
    event_id: UUID
    subject: str
    aggregate_id: UUID
    version: int
    payload: bytes = b""


async def stored_events(
    broker: Client,
    context: str,
    *,
    first: int = 1,
    last: int | None = None,
    with_payloads: bool = False,
) -> AsyncIterator[Stored]:
    """
    Yield what the stream of *context* holds now, in order, and passes over what is no event.

    Args:
        first: The sequence to begin at.
        last: The sequence to end at; all there are, if none is given.
        with_payloads: Whether more is wanted than their headers say.
    """
    jetstream = broker.jetstream()
    stream = stream_of(context)
    state = (await jetstream.stream_info(stream)).state
    end = state.last_seq if last is None else min(last, state.last_seq)
    if not state.messages or max(first, state.first_seq) > end:
        return
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=first,
        headers_only=not with_payloads,
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
                f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer.name}", _MORE, reply=inbox
            )
            for _ in range(BATCH):
                async with asyncio.timeout(FETCH_SECONDS):
                    message = await news.get()
                sequence = message.metadata.sequence.stream
                if sequence <= end and (event := _event(sequence, message)):
                    yield event
                # The last one may have been deleted, so its number alone is no end.
                if sequence >= end or not message.metadata.num_pending:
                    return
    finally:
        await subscription.unsubscribe()
        with suppress(NotFoundError, TimeoutError):
            await jetstream.delete_consumer(stream, consumer.name)


def _event(sequence: int, message: Msg) -> Stored | None:
    headers = message.headers or {}
    try:
        return Stored(
            sequence,
            UUID(headers["ce-id"]),
            message.subject,
            UUID(headers["ce-subject"]),
            int(headers["ce-sequence"]),
            message.data,
        )
    except (KeyError, ValueError):
        return None
