"""Show how events flow: what waits, what was published, how far each listener is behind."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

from nats.js.errors import NotFoundError

from chassis.events.streams import durable_of, stream_of
from chassis.terminal import print_table
from deploy.local.cluster import load, to_json
from deploy.local.invariants.evidence import Evidence, evidence_of
from deploy.local.topology import WAYBILL

_OUTBOX = """
    SELECT (SELECT count(*) FROM outbox) AS waiting,
        (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)
            FROM outbox WHERE replays = 0) AS oldest,
        (SELECT count(*) FROM published_events) AS published
"""
_INBOX = """
    SELECT (SELECT count(*) FROM dead_letters
            WHERE consumer = $1 AND resolution = '') AS letters,
        (SELECT count(*) FROM inbox WHERE consumer = $1 AND parked_at IS NOT NULL) AS parked,
        (SELECT count(*) FROM inbox WHERE consumer = $1 AND missing_since IS NOT NULL) AS missing
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """
    How the events of one service fare.

    Attributes:
        waiting: In the outbox, not yet confirmed by JetStream.
        oldest_seconds: For how long the oldest of them waits.
        published: In the record.
        in_stream: Messages that the stream holds, repeats included; None if it is not there.
    """

    service: str
    waiting: int
    oldest_seconds: float
    published: int
    in_stream: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """
    How far one listener is with the events of one service.

    Attributes:
        pending: Not yet delivered; None if its consumer is not there.
        unsettled: Delivered and not acknowledged.
        redelivered: Of these, delivered more than once.
        parked: Aggregates that wait behind a dead letter.
        missing: Aggregates of which an event is lost and asked for.
    """

    listener: str
    pending: int | None
    unsettled: int
    redelivered: int
    dead_letters: int
    parked: int
    missing: int


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    async with evidence_of(load(arguments.state)) as evidence:
        told = [await _told(evidence, context) for context in evidence.contexts]
        heard = [
            await _heard(evidence, listener, context)
            for listener, contexts in WAYBILL.listeners.items()
            for context in contexts
        ]
    whole = all(each.in_stream is not None for each in told)
    if arguments.json:
        print(to_json({"told": told, "heard": heard}).decode(), end="")
        return 0 if whole else 1
    print_table(
        ("SERVICE", "WAITING", "OLDEST", "PUBLISHED", "IN STREAM"),
        [
            (
                each.service,
                f"{each.waiting:,}",
                f"{each.oldest_seconds:.1f} s",
                f"{each.published:,}",
                "missing" if each.in_stream is None else f"{each.in_stream:,}",
            )
            for each in told
        ],
    )
    print()
    print_table(
        ("LISTENER", "PENDING", "UNSETTLED", "REDELIVERED", "DEAD LETTERS", "PARKED", "MISSING"),
        [
            (
                each.listener,
                "missing" if each.pending is None else f"{each.pending:,}",
                f"{each.unsettled:,}",
                f"{each.redelivered:,}",
                f"{each.dead_letters:,}",
                f"{each.parked:,}",
                f"{each.missing:,}",
            )
            for each in heard
        ],
    )
    if not whole:
        print("\nMake what is missing anew: `make provision`. What it held comes back by itself.")
    return 0 if whole else 1


async def _told(evidence: Evidence, context: str) -> Told:
    (row,) = await evidence.fetch(context, _OUTBOX)
    return Told(
        service=context,
        waiting=row["waiting"],
        oldest_seconds=round(float(row["oldest"]), 1),
        published=row["published"],
        in_stream=await _messages(evidence, context),
    )


async def _messages(evidence: Evidence, context: str) -> int | None:
    try:
        info = await evidence.broker.jetstream().stream_info(stream_of(context))
    except NotFoundError:
        return None
    return info.state.messages


async def _heard(evidence: Evidence, listener: str, context: str) -> Heard:
    name = durable_of(listener, context)
    (row,) = await evidence.fetch(WAYBILL.home_of(listener), _INBOX, name)
    try:
        info = await evidence.broker.jetstream().consumer_info(stream_of(context), name)
    except NotFoundError:
        info = None
    return Heard(
        listener=name,
        pending=(info.num_pending or 0) if info else None,
        unsettled=(info.num_ack_pending or 0) if info else 0,
        redelivered=(info.num_redelivered or 0) if info else 0,
        dead_letters=row["letters"],
        parked=row["parked"],
        missing=row["missing"],
    )
