"""Events as they arrive, and what they are in the light of the inbox."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

# Read and compared in C, as `chassis.kernel.ids` makes them: each event has two.
from asyncpg.pgproto.pgproto import UUID
from nats.aio.msg import Msg

from chassis.events.inbox import Watermark

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """
    An event and what its headers say.
    """

    subject: str
    event_id: UUID
    aggregate_id: UUID
    version: int
    occurred_at: datetime
    payload: bytes
    trace: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    An event in the message that brought it.

    Attributes:
        since: When it came, by the monotonic clock.
    """

    message: Msg
    envelope: Envelope
    since: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Sorted:
    """
    Deliveries in the light of the inbox.

    Attributes:
        due: The next ones of their aggregates, by aggregate and in order.
        done: Those that took effect before.
        early: Those whose elder has not come.
        behind: Those whose aggregate is parked behind a dead letter.
    """

    due: dict[UUID, list[Delivery]] = field(default_factory=dict[UUID, list[Delivery]])
    done: list[Delivery] = field(default_factory=list[Delivery])
    early: list[Delivery] = field(default_factory=list[Delivery])
    behind: list[Delivery] = field(default_factory=list[Delivery])


async def read_deliveries(messages: Sequence[Msg]) -> Sequence[Delivery]:
    """
    Return *messages* with what their headers say; what is no event of ours is refused for good.
    """
    deliveries: list[Delivery] = []
    for message in messages:
        try:
            deliveries.append(Delivery(message, _envelope(message)))
        except (KeyError, ValueError) as error:
            log.error("a message on %s is no event: %r", message.subject, error)
            await message.term()
    return deliveries


def sort_deliveries(deliveries: Sequence[Delivery], marks: Mapping[UUID, Watermark]) -> Sorted:
    """
    Tell which deliveries are due, done before, early, or behind a dead letter.
    """
    found = Sorted()
    for delivery in sorted(deliveries, key=lambda d: d.envelope.version):
        envelope = delivery.envelope
        mark = marks.get(envelope.aggregate_id, Watermark())
        expected = mark.next + len(found.due.get(envelope.aggregate_id, ()))
        if envelope.version < expected:
            found.done.append(delivery)
        elif mark.parked:
            found.behind.append(delivery)
        elif envelope.version > expected:
            found.early.append(delivery)
        else:
            found.due.setdefault(envelope.aggregate_id, []).append(delivery)
    return found


def _envelope(message: Msg) -> Envelope:
    headers = message.headers or {}
    version = int(headers["ce-sequence"])
    occurred_at = datetime.fromisoformat(headers["ce-time"])
    if not 0 < version < 2**63 or occurred_at.tzinfo is None:
        raise ValueError(f"no event has version {version} and time {occurred_at}")
    return Envelope(
        subject=message.subject,
        event_id=UUID(headers["ce-id"]),
        aggregate_id=UUID(headers["ce-subject"]),
        version=version,
        occurred_at=occurred_at,
        payload=message.data,
        trace=headers.get("traceparent", ""),
    )
