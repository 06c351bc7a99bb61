"""
Show which webhooks of the PSP wait or were given up, and why; try one again, or let it be.

Without anything else it lists them. `retry` has one worked off at once. `discard` lets one be that
was given up: it counts as done.
"""

from argparse import ArgumentParser, Namespace
from typing import Any

from sqlalchemy import text

from chassis.storage.database import Database, connect
from chassis.terminal import print_table
from deploy.local.cluster import load, to_json
from deploy.local.errors import CommandFailed

CONTEXT = "payment"
MOST_SHOWN = 200

_LIST = text(
    """
    SELECT state, id, type, account, received_at, attempts, reason, due_at FROM psp_events
    WHERE state IN ('RECEIVED', 'FAILED') ORDER BY state, received_at LIMIT :most
    """
)
_RETRY = text(
    """
    UPDATE psp_events SET state = 'RECEIVED', due_at = now()
    WHERE id = :id AND state IN ('RECEIVED', 'FAILED')
    """
)
_DISCARD = text(
    "UPDATE psp_events SET state = 'DONE', payload = NULL WHERE id = :id AND state = 'FAILED'"
)
_STATEMENTS = {"retry": _RETRY, "discard": _DISCARD}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print an object")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="what waits and what was given up (the default)")
    for name, what in (("retry", "work one off at once"), ("discard", "let one be")):
        actions.add_parser(name, help=what).add_argument("event", metavar="ID")


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    database = connect(cluster.databases[CONTEXT].app, application="webhooks")
    try:
        if arguments.action in _STATEMENTS:
            await act(database, arguments.action, arguments.event)
        else:
            await show(database, as_json=arguments.json)
    finally:
        await database.close()
    return 0


async def act(database: Database, action: str, event_id: str) -> None:
    """
    Raises:
        CommandFailed: There is no such event, or it is done.
    """
    async with database.begin() as tx:
        if not await tx.run(_STATEMENTS[action], {"id": event_id}):
            raise CommandFailed(
                f"there is no webhook {event_id} to {action}: `make webhooks` lists them"
            )


async def show(database: Database, *, as_json: bool) -> None:
    async with database.begin() as tx:
        events = [dict(row._mapping) for row in await tx.rows(_LIST, {"most": MOST_SHOWN})]
    if as_json:
        print(to_json({"webhooks": events}).decode(), end="")
    elif events:
        columns = ("state", "id", "type", "received_at", "attempts", "reason")
        rows = [[_cell(event[column]) for column in columns] for event in events]
        print_table([column.replace("_", " ") for column in columns], rows)
    else:
        print("No webhook waits, and none was given up.")


def _cell(value: Any) -> str:
    return (
        value.isoformat(sep=" ", timespec="seconds") if hasattr(value, "isoformat") else str(value)
    )
