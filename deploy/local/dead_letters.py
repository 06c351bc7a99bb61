"""List, show, redrive or discard dead letters, over all services: the chassis' own tool."""

from argparse import Namespace

from chassis.events.tools import dead_letters
from chassis.storage.database import connect
from deploy.local.cluster import load
from deploy.local.topology import WAYBILL

add_arguments = dead_letters.add_arguments


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    databases = {
        service: connect(cluster.databases[service].app, application="dead-letters")
        for service in dict.fromkeys(map(WAYBILL.home_of, WAYBILL.listeners))
    }
    try:
        return await dead_letters.run_on(databases, arguments)
    finally:
        for database in databases.values():
            await database.close()
