"""Look after the events of one service: `DATABASE_URL=… python -m chassis.events <command>`."""

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter

import uvloop

from chassis.events.tools import dead_letters, replay
from chassis.storage.database import connect


async def main(arguments: Namespace) -> int:
    database = connect(os.environ["DATABASE_URL"], application="events tool")
    try:
        if arguments.command == "replay":
            return await replay.run_on(database, arguments)
        return await dead_letters.run_on({"": database}, arguments)
    finally:
        await database.close()


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m chassis.events", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, tool in (("dead-letters", dead_letters), ("replay", replay)):
        tool.add_arguments(
            commands.add_parser(
                name,
                help=(tool.__doc__ or "").strip().partition("\n")[0],
                description=tool.__doc__,
                formatter_class=RawDescriptionHelpFormatter,
            )
        )
    arguments = parser.parse_args()
    if "DATABASE_URL" not in os.environ:
        parser.error("set DATABASE_URL to the service's database")
    sys.exit(uvloop.run(main(arguments)))
