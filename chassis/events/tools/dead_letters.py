"""
List, show, redrive or discard dead letters.

Without anything else it lists the open letters by what caused them. `redrive` and `discard` say
what they would do, and do it with --yes; the listener itself carries it out, and who decided what
about which letter is written down. What waits behind a letter follows by itself.
"""

import asyncio
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from chassis.events import decisions
from chassis.events.tools.arguments import add_by, words
from chassis.storage.database import Database
from chassis.terminal import print_table

OUTCOME_SECONDS = 15.0
BETWEEN_LOOKS_SECONDS = 0.2
MOST_SHOWN = 20

# The databases to look into, by the name of the service.
Databases = Mapping[str, Database]


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    Letters in one service's database.
    """

    service: str
    letters: list[Any]

    @property
    def ids(self) -> list[UUID]:
        return [letter.id for letter in self.letters]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print an object or a list of them")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="open letters by cause (the default)")
    listing.add_argument("--each", action="store_true", help="every letter on a line of its own")
    listing.add_argument(
        "--resolved", action="store_true", help="each, those redriven or discarded included"
    )
    show = actions.add_parser("show", help="one letter with its error, stack and history")
    show.add_argument("id", type=UUID, metavar="LETTER")
    for action, explanation in (
        ("redrive", "try letters again"),
        ("discard", "give letters up: their events will never take effect here"),
    ):
        each = actions.add_parser(action, help=explanation)
        which = each.add_mutually_exclusive_group(required=True)
        which.add_argument("id", type=UUID, nargs="?", metavar="LETTER", help="this one")
        which.add_argument(
            "--like",
            type=UUID,
            metavar="LETTER",
            help="all of its group: same listener, event and cause",
        )
        which.add_argument("--all", action="store_true", help="every open letter")
        each.add_argument("--yes", action="store_true", help="do it; otherwise it is only shown")
        each.add_argument(
            "--reason",
            type=words,
            required=action == "discard",
            metavar="TEXT",
            help="why, for those who read the history",
        )
        add_by(each)


async def run_on(databases: Databases, arguments: Namespace) -> int:
    """
    Do what *arguments* ask for in *databases*; return the exit code.
    """
    match arguments.action:
        case "show":
            return await _show(databases, arguments)
        case "redrive" | "discard":
            return await _decide(databases, arguments)
        case _:
            return await _list(databases, arguments)


async def _list(databases: Databases, arguments: Namespace) -> int:
    if getattr(arguments, "each", False) or getattr(arguments, "resolved", False):
        return await _list_each(databases, arguments)
    groups = []
    for database in databases.values():
        async with database.begin() as tx:
            groups += [row._asdict() for row in await decisions.groups(tx)]
    if arguments.json:
        _print_json(groups)
    elif not groups:
        print("No dead letters.")
    else:
        print_table(
            ("LISTENER", "EVENT", "CAUSE", "LETTERS", "AGGREGATES", "LAST", "FOR EXAMPLE"),
            [
                (
                    group["consumer"],
                    _short(group["subject"]),
                    group["cause"],
                    f"{group['letters']:,}",
                    f"{group['aggregates']:,}",
                    _ago(group["last_at"]),
                    str(group["example"]),
                )
                for group in groups
            ],
        )
        print("\nLook at one with `show LETTER`, try a group again with `redrive --like LETTER`.")
        print("What is behind another letter follows it by itself.")
    return 0


async def _list_each(databases: Databases, arguments: Namespace) -> int:
    letters = []
    for database in databases.values():
        async with database.begin() as tx:
            letters += list(await decisions.find(tx, resolved=arguments.resolved))
    if arguments.json:
        _print_json([_plain(letter) for letter in letters])
    else:
        _print_letters(letters)
    return 0


async def _show(databases: Databases, arguments: Namespace) -> int:
    for database in databases.values():
        async with database.begin() as tx:
            found = await decisions.find(tx, ids=[arguments.id], resolved=True)
            if not found:
                continue
            history = await decisions.actions_on(tx, arguments.id)
        letter = _plain(found[0]) | {"history": [row._asdict() for row in history]}
        if arguments.json:
            _print_json(letter)
        else:
            _print_letter(letter)
        return 0
    print(f"there is no letter {arguments.id}")
    return 1


async def _decide(databases: Databases, arguments: Namespace) -> int:
    chosen = [
        Chosen(service, letters)
        for service, database in databases.items()
        if (letters := await _choose(database, arguments))
    ]
    count = sum(len(each.letters) for each in chosen)
    if not count:
        print("no open letter is meant: `list` shows which are open, `list --resolved` the others")
        return 1
    if not arguments.yes:
        if arguments.json:
            _print_json(
                {"would": arguments.action, "letters": [str(i) for c in chosen for i in c.ids]}
            )
            return 0
        _print_letters([letter for each in chosen for letter in each.letters])
        print(f"\nWould {arguments.action} {_letters(count)}. Say --yes to do it.")
        if arguments.action == "discard":
            print("Their events will never take effect; what waits behind them goes on without.")
        return 0
    for each in chosen:
        async with databases[each.service].begin() as tx:
            await decisions.wish(
                tx, each.ids, arguments.action, actor=arguments.by, note=arguments.reason or ""
            )
    try:
        outcome = await _outcome(databases, chosen)
    except asyncio.CancelledError:
        print("interrupted; what you decided stands, and the listener does it", file=sys.stderr)
        raise
    if arguments.json:
        _print_json(asdict(outcome))
    else:
        outcome.show()
    return 0 if outcome.resolved == count else 1


async def _choose(database: Database, arguments: Namespace) -> list[Any]:
    async with database.begin() as tx:
        if arguments.all:
            return list(await decisions.find(tx))
        found = list(await decisions.find(tx, ids=[arguments.id or arguments.like]))
        if arguments.id or not found:
            return found
        example = found[0]
        alike = await decisions.find(tx, cause=example.cause, subject=example.subject)
        return [letter for letter in alike if letter.consumer == example.consumer]


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of letters somebody decided about.

    Attributes:
        failed: Failed once more, or wait behind one that did.
        waiting: Their listener has not looked at them yet: it may not be running, or they are
            behind one that nobody has decided about.
    """

    resolved: int
    failed: int
    waiting: int

    def show(self) -> None:
        more = f"{self.failed:,} failed again, {self.waiting:,} waiting"
        print(f"{_letters(self.resolved)} done, {more}.")
        if self.failed:
            print("See what they failed of with `list` and `show LETTER`.")
        if self.waiting:
            print("The listener sees to them when it runs, and when those before them are decided.")


async def _outcome(databases: Databases, chosen: list[Chosen]) -> Outcome:
    deadline = time.monotonic() + OUTCOME_SECONDS
    while True:
        counts = []
        for each in chosen:
            async with databases[each.service].begin() as tx:
                counts.append(await decisions.states_of(tx, each.ids))
        outcome = Outcome(*map(sum, zip(*counts, strict=True)))
        if not outcome.waiting or time.monotonic() > deadline:
            return outcome
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)


def _print_letters(letters: list[Any]) -> None:
    print_table(
        ("LETTER", "LISTENER", "EVENT", "AGGREGATE", "VERSION", "ATTEMPTS", "STATE", "ERROR"),
        [
            (
                str(letter.id),
                letter.consumer,
                _short(letter.subject),
                str(letter.aggregate_id),
                str(letter.aggregate_version),
                str(letter.attempts),
                letter.resolution or ("to " + letter.wish if letter.wish else "open"),
                letter.error.splitlines()[0][:60],
            )
            for letter in letters[:MOST_SHOWN]
        ],
    )
    if len(letters) > MOST_SHOWN:
        print(f"… and {len(letters) - MOST_SHOWN:,} more")


def _print_letter(letter: dict[str, Any]) -> None:
    for name in (
        *("id", "consumer", "subject", "event_id", "aggregate_id", "aggregate_version"),
        *("attempts", "failed_at", "trace_id", "cause", "wish", "resolution", "resolved_at"),
    ):
        if letter[name] not in ("", None):
            print(f"{name:<18}{letter[name]}")
    print(f"\n{letter['stack'] or letter['error']}")
    for entry in letter["history"]:
        print(
            f"{entry['at']:%Y-%m-%d %H:%M:%S}  {entry['actor']}: {entry['action']}  {entry['note']}"
        )


def _plain(letter: Any) -> dict[str, Any]:
    fields: dict[str, Any] = letter._asdict()
    return fields | {"payload": fields["payload"].hex()}


def _print_json(value: object) -> None:
    print(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())


def _letters(count: int) -> str:
    return f"{count:,} letter{'' if count == 1 else 's'}"


def _short(subject: str) -> str:
    return subject.rpartition(".")[2]


def _ago(moment: datetime) -> str:
    seconds = int((datetime.now(moment.tzinfo) - moment).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
