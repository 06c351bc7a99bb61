"""Publishing to JetStream: many messages with one sync, or each with its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import uuid4

import orjson
from nats.errors import Error as NatsError

from chassis.events.broker import Broker, command_of

PUBLISH_SECONDS = 5.0


class PublishRefused(Exception):
    """
    JetStream answered a publish with an error.
    """


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    A message on its way to a stream.

    Attributes:
        chain: Messages of one chain are published in order; chains do not wait for each other.
    """

    subject: str
    payload: bytes
    headers: dict[str, str]
    chain: int = 0


async def publish_atomically(broker: Broker, messages: Sequence[Outgoing]) -> list[int]:
    """
    Publish *messages* as one atomic batch: all are stored, in this order and with one sync to disk
    (ADR-50 of NATS), or none. Return their sequences in the stream.

    Raises:
        PublishRefused: JetStream has stored one of them before, or wants none of them.
    """
    batch = uuid4().hex
    *first, last = messages
    await broker.publish_many(
        command_of(
            message.subject,
            message.payload,
            {**message.headers, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)},
        )
        for number, message in enumerate(first, start=1)
    )
    headers = {
        **last.headers,
        "Nats-Batch-Id": batch,
        "Nats-Batch-Sequence": str(len(messages)),
        "Nats-Batch-Commit": "1",
    }
    reply = await broker.request(
        last.subject, last.payload, headers=headers, timeout=PUBLISH_SECONDS
    )
    end = _sequence(reply.data)
    return list(range(end - len(messages) + 1, end + 1))


async def publish_singly(broker: Broker, messages: Sequence[Outgoing]) -> list[int]:
    """
    Publish *messages* each by itself, and return their sequences in the stream. One that was stored
    a moment ago is not stored again: it has the sequence that it was given then.

    Raises:
        PublishRefused: JetStream does not want one of them.
    """
    sequences: dict[int, int] = {}

    async def publish_chain(numbers: Sequence[int]) -> None:
        for number in numbers:
            message = messages[number]
            reply = await broker.request(
                message.subject, message.payload, headers=message.headers, timeout=PUBLISH_SECONDS
            )
            sequences[number] = _sequence(reply.data)

    by_chain = sorted(range(len(messages)), key=lambda number: messages[number].chain)
    try:
        async with asyncio.TaskGroup() as tasks:
            for _, chain in groupby(by_chain, key=lambda number: messages[number].chain):
                tasks.create_task(publish_chain(list(chain)))
    except* (NatsError, PublishRefused, OSError) as errors:
        raise errors.exceptions[0] from None
    return [sequences[number] for number in range(len(messages))]


def _sequence(ack: bytes) -> int:
    answer = orjson.loads(ack)
    if "error" in answer:
        raise PublishRefused(answer["error"].get("description", "no reason given"))
    sequence: int = answer["seq"]
    return sequence
