"""
Tell the history of orders anew from the streams: `python -m services.order.rebuild_history`.

It may run while the services do, and be stopped and started again at any time. What the streams
have forgotten the beginning of stays as it is. Settings are those of the order service.
"""

import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

import orjson
import uvloop

from chassis.events.broker import connect_broker
from chassis.settings import read_settings
from chassis.storage.database import connect
from services.order.adapters.event_streams import NatsStreams
from services.order.adapters.history_rebuild import RebuildUnderWay, sql_rebuilding
from services.order.application.history.rebuild_history import (
    Progress,
    RebuildSummary,
    rebuild_history,
)
from services.order.settings import Settings


async def main(settings: Settings, arguments: Namespace) -> int:
    # One connection only holds a lock, for as long as all takes.
    database = connect(settings.database_url, application="rebuild-history", idle_seconds=0)
    broker = await connect_broker(settings.nats_url, name="rebuild-history")
    try:
        async with sql_rebuilding(database) as rebuilding:
            summary = await rebuild_history(
                streams=NatsStreams(broker), rebuilding=rebuilding, progress=progress_on_stderr()
            )
    except RebuildUnderWay as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    finally:
        await broker.close()
        await database.close()
    print(orjson.dumps(asdict(summary)).decode() if arguments.json else words_of(summary))
    return 0


def words_of(summary: RebuildSummary) -> str:
    words = (
        f"{summary.events:,} events of {summary.orders:,} orders: "
        f"{summary.missing:,} were missing, {summary.wrong:,} were wrong."
    )
    if summary.ahead:
        words += f" {summary.ahead:,} know more than their streams, and stay so."
    return words


def progress_on_stderr() -> Progress:
    """
    Say how far it has come, once a second at most.
    """
    said = time.monotonic()

    def say(words: str) -> None:
        nonlocal said
        if time.monotonic() - said >= 1:
            said = time.monotonic()
            print(f"  {words}", file=sys.stderr)

    return say


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m services.order.rebuild_history", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print an object")
    parsed = parser.parse_args()
    try:
        sys.exit(uvloop.run(main(read_settings(Settings), parsed)))
    except KeyboardInterrupt:
        sys.exit(130)
