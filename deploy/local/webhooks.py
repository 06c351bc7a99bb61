"""
Show which webhooks of the PSP wait or were given up, and why; try one again, or let it be.

Without anything else it lists them. `retry` has one worked off at once. `discard` lets one be that
was given up: it counts as done.
"""

from argparse import ArgumentParser, Namespace
from typing import Any

from sqlalchemy import text

from chassis.storage.database import connect
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
        async with database.begin() as tx:
            if arguments.action in _STATEMENTS:
                if not await tx.run(_STATEMENTS[arguments.action], {"id": arguments.event}):
                    raise CommandFailed(
                        f"no webhook {arguments.event} could be meant: `make webhooks` lists them"
                    )
                return 0
            rows = await tx.rows(_LIST, {"most": MOST_SHOWN})
    finally:
        await database.close()
    show([dict(row._mapping) for row in rows], as_json=arguments.json)
    return 0


def show(events: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(to_json({"webhooks": events}))
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
