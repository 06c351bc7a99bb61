"""
Events told once more because somebody asks: a listener that misses some, or a person.

A listener that sees a gap asks over NATS, on `retail.<context>.replay`; any replica of the
publisher answers. An ask that is lost is asked again, an ask that comes twice makes repeats, which
inboxes recognize. People ask by `python -m chassis.events replay`.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from nats.aio.msg import Msg
from sqlalchemy import text

from chassis.events.broker import Broker
from chassis.events.metrics import REPLAYED
from chassis.events.put_back import Tail, put_back, wait_for_room
from chassis.kernel.ids import new_id
from chassis.outages import is_outage
from chassis.storage.database import Database, Transaction
from chassis.wake import Wake

log = logging.getLogger(__name__)

ASK_SECONDS = 5.0
PORTION = 50
# Who asks again before the first answer has come through its backlog gets no second one.
REST = timedelta(seconds=10)

_UNKNOWN = text(
    """
    SELECT asked.aggregate_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[])) AS asked (aggregate_id, version)
    WHERE NOT EXISTS (
        SELECT FROM told_events
        WHERE told_events.aggregate_id = asked.aggregate_id AND aggregate_version = version
    )
    """
)
_TAILS_SINCE = text(
    """
    SELECT aggregate_id, min(aggregate_version) AS version FROM published_events
    WHERE published_at >= :since AND published_at < :until
    GROUP BY aggregate_id ORDER BY aggregate_id
    """
)
_TAILS_BETWEEN = text(
    """
    SELECT aggregate_id, min(aggregate_version) AS version FROM published_events
    WHERE stream_sequence BETWEEN :first AND :last AND published_at < :until
    GROUP BY aggregate_id ORDER BY aggregate_id
    """
)
_TAILS_OF = text(
    """
    SELECT aggregate_id, min(aggregate_version) AS version FROM published_events
    WHERE aggregate_id = :aggregate_id AND aggregate_version >= :version AND published_at < :until
    GROUP BY aggregate_id
    """
)
_SIZE = text(
    """
    SELECT count(*) AS events
    FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[])) AS asked (aggregate_id, version)
    JOIN published_events AS event
        ON event.aggregate_id = asked.aggregate_id AND aggregate_version >= version
    """
)

_RECORD = text("INSERT INTO replays (id, actor, what, events) VALUES (:id, :actor, :what, :events)")


class MissingEvents(msgspec.Struct, frozen=True):
    """
    What a listener asks for: of each aggregate, the events from a version on.
    """

    listener: str
    tails: list[tuple[UUID, int]]


class ReplayAnswer(msgspec.Struct, frozen=True):
    """
    Attributes:
        events: How many were put back into the outbox.
        unknown: The aggregates of which the record has no such event: never told, or forgotten.
    """

    events: int
    unknown: list[UUID]


def replay_subject(context: str) -> str:
    """
    Return where the publisher of *context* is asked to tell events again.
    """
    return f"retail.{context}.replay"


async def ask_for_replay(
    broker: Broker, context: str, listener: str, tails: Sequence[tuple[UUID, int]]
) -> ReplayAnswer:
    """
    Ask the publisher of *context* for events from a version on, by aggregate.
    """
    question = msgspec.json.encode(MissingEvents(listener, list(tails)))
    answer = await broker.request(replay_subject(context), question, timeout=ASK_SECONDS)
    return msgspec.json.decode(answer.data, type=ReplayAnswer)


async def answer_replay_requests(
    database: Database, broker: Broker, *, context: str, told: Wake
) -> None:
    """
    Put back into the outbox what listeners ask for, until cancelled.
    """
    # One of all replicas hears each question.
    questions = await broker.subscribe(replay_subject(context), queue="publishers")
    async for message in questions.messages:
        try:
            await _answer(database, message, context, told)
        except msgspec.DecodeError as error:
            log.warning("replay of %s: not understood: %s", context, error)
        except Exception as error:  # it will be asked again
            if is_outage(error):
                log.warning("replay of %s: %s: %s", context, type(error).__name__, error)
            else:
                log.exception("replay of %s failed", context)


async def _answer(database: Database, message: Msg, context: str, told: Wake) -> None:
    missing = msgspec.json.decode(message.data, type=MissingEvents)
    log.info("%s misses events of %s aggregates", missing.listener, len(missing.tails))
    events = 0
    unknown: list[UUID] = []
    for start in range(0, len(missing.tails), PORTION):
        portion = missing.tails[start : start + PORTION]
        await wait_for_room(database)
        async with database.begin() as tx:
            events += await put_back(tx, [Tail(*tail) for tail in portion], rest=REST)
            ids, versions = zip(*portion, strict=True)
            rows = await tx.rows(_UNKNOWN, {"ids": list(ids), "versions": list(versions)})
            tx.after_commit(told.ring)
        unknown += [row.aggregate_id for row in rows]
    REPLAYED.labels(context, "missed").inc(events)
    await message.respond(msgspec.json.encode(ReplayAnswer(events, unknown)))


async def tails_since(tx: Transaction, since: datetime, *, until: datetime) -> list[Tail]:
    """
    Return what was published from *since* on, before *until*.
    """
    rows = await tx.rows(_TAILS_SINCE, {"since": since, "until": until})
    return [Tail(row.aggregate_id, row.version) for row in rows]


async def tails_between(tx: Transaction, first: int, last: int, *, until: datetime) -> list[Tail]:
    """
    Return what was published at the sequences *first* to *last* of the stream, before *until*.
    """
    rows = await tx.rows(_TAILS_BETWEEN, {"first": first, "last": last, "until": until})
    return [Tail(row.aggregate_id, row.version) for row in rows]


async def tails_of(
    tx: Transaction, aggregate_id: UUID, version: int, *, until: datetime
) -> list[Tail]:
    """
    Return what was published of one aggregate, from *version* on, before *until*.
    """
    values = {"aggregate_id": aggregate_id, "version": version, "until": until}
    return [Tail(row.aggregate_id, row.version) for row in await tx.rows(_TAILS_OF, values)]


async def record_replay(tx: Transaction, *, actor: str, what: str, events: int) -> None:
    """
    Write down that a person had events told once more.
    """
    await tx.run(_RECORD, {"id": new_id(), "actor": actor, "what": what, "events": events})


async def size_of(tx: Transaction, tails: Sequence[Tail]) -> int:
    """
    Return how many events *tails* are.
    """
    ids = [tail.aggregate_id for tail in tails]
    (row,) = await tx.rows(_SIZE, {"ids": ids, "versions": [tail.version for tail in tails]})
    events: int = row.events
    return events
