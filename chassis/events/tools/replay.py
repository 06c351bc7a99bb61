"""
Publish events of one service once more.

For a listener that was added late or has lost its data. What came later of the same aggregates goes
along, so that everything arrives in order; listeners that had an event already recognize it. It
says what it would do, and does it with --yes. Interrupted, it says how to go on.
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import UTC, datetime
from uuid import UUID

import orjson

from chassis.events.put_back import Tail, put_back, wait_for_room
from chassis.events.replay import record_replay, size_of, tails_between, tails_of, tails_since
from chassis.events.tools.arguments import add_by
from chassis.storage.database import Database

# Of so many aggregates at a time: new events wait behind them.
PORTION = 500


def add_arguments(parser: ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help="published since, as 2026-01-31T12:00Z (UTC if no zone is named)",
    )
    which.add_argument("--aggregate", type=UUID, metavar="ID", help="of one aggregate")
    which.add_argument(
        "--sequences",
        type=span,
        metavar="FIRST-LAST",
        help="at these places of the stream, and what came later of their aggregates",
    )
    parser.add_argument(
        "--from-version",
        type=positive,
        default=1,
        metavar="N",
        help="of the aggregate (default: 1)",
    )
    parser.add_argument(
        "--until",
        type=moment,
        default=datetime.now(UTC),
        metavar="TIME",
        help="published before (default: now): who goes on after an interruption says the same",
    )
    parser.add_argument("--yes", action="store_true", help="do it; otherwise it is only shown")
    add_by(parser)
    parser.add_argument("--json", action="store_true", help="print an object")


async def run_on(database: Database, arguments: Namespace) -> int:
    """
    Publish what *arguments* choose of the events told in *database*; return the exit code.
    """
    async with database.begin() as tx:
        until = arguments.until
        if arguments.since:
            tails = await tails_since(tx, arguments.since, until=until)
        elif arguments.sequences:
            tails = await tails_between(tx, *arguments.sequences, until=until)
        else:
            tails = await tails_of(tx, arguments.aggregate, arguments.from_version, until=until)
        events = await size_of(tx, tails)
    summary = {
        "events": events,
        "aggregates": len(tails),
        "published": arguments.yes and events > 0,
    }
    if not tails:
        _say(arguments, summary, "The record holds no such events.")
        return 1
    what = f"{events:,} events of {len(tails):,} aggregates"
    if not arguments.yes:
        _say(arguments, summary, f"Would publish {what} once more. Say --yes to do it.")
        return 0
    summary["events"] = await _publish(database, tails, arguments)
    _say(arguments, summary, f"{summary['events']:,} events are being published once more.")
    return 0


async def _publish(database: Database, tails: list[Tail], arguments: Namespace) -> int:
    published = done = 0
    try:
        for start in range(0, len(tails), PORTION):
            portion = tails[start : start + PORTION]
            await wait_for_room(database)
            async with database.begin() as tx:
                published += await put_back(tx, portion)
            done += len(portion)
            print(f"  {done:,}/{len(tails):,} aggregates", file=sys.stderr)
    finally:
        if done < len(tails):
            until = arguments.until.isoformat()
            print(f"interrupted; go on with the same choice and --until {until}", file=sys.stderr)
        async with database.begin() as tx:
            what = " ".join(
                f"{name}={getattr(arguments, name)}"
                for name in ("since", "aggregate", "from_version", "sequences", "until")
            )
            await record_replay(tx, actor=arguments.by, what=what, events=published)
    return published


def moment(words: str) -> datetime:
    """
    Return the time that *words* name; UTC if they name no zone.
    """
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        raise ArgumentTypeError(f"{words} is no time: say one as 2026-01-31T12:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def positive(words: str) -> int:
    """
    Return the number that *words* are.
    """
    if not words.isdecimal() or int(words) < 1:
        raise ArgumentTypeError(f"{words} is not a number from 1 on")
    return int(words)


def span(words: str) -> tuple[int, int]:
    """
    Return the two numbers of "17-42".
    """
    first, _, last = words.partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise ArgumentTypeError(f"{words} is no range: say one as 17-42")
    return int(first), int(last)


def _say(arguments: Namespace, summary: dict[str, int], words: str) -> None:
    print(orjson.dumps(summary).decode() if arguments.json else words)
