"""Publish events of one service once more: the chassis' own tool."""

from argparse import ArgumentParser, Namespace

from chassis.events.tools import replay
from chassis.storage.database import connect
from deploy.local.cluster import load
from deploy.local.topology import WAYBILL


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("service", choices=WAYBILL.contexts, help="whose events")
    replay.add_arguments(parser)


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    database = connect(cluster.databases[arguments.service].app, application="replay-events")
    try:
        return await replay.run_on(database, arguments)
    finally:
        await database.close()
