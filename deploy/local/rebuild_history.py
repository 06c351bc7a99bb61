"""Tell the history of orders anew from the streams: the order service's own tool."""

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace

from deploy.local.cluster import load
from deploy.local.topology import PYTHONPATH, ROOT


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    tool = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.order.rebuild_history"),
        *(["--json"] if arguments.json else []),
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": cluster.databases["order"].app,
            "NATS_URL": cluster.nats_url,
            "PYTHONPATH": PYTHONPATH,
        },
    )
    return await tool.wait()
