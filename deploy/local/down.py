"""Stop the cluster, and make sure that nothing of it is left. The data stays."""

import shutil
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path

from deploy.local.cluster import forget
from deploy.local.errors import StillRunning
from deploy.local.leftovers import clear_leftovers, find_leftovers
from deploy.local.state import exclusive

# All that we ever put into a state directory. Nothing else is ours to remove.
OURS = ("data", "logs", "traces", "replay", "cluster.json", "cluster.new", "lock")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--purge", action="store_true", help="remove data, logs and traces, too")


async def run(arguments: Namespace) -> int:
    stopped = await bring_down(arguments.state, purge=arguments.purge)
    print("The cluster is stopped." if stopped else "The cluster was not running.")
    if arguments.purge:
        print(f"Its data, logs and traces in {arguments.state} are removed.")
    return 0


async def bring_down(state: Path, *, purge: bool = False) -> bool:
    """
    Stop every process of the cluster in *state*, and say whether there were any.

    Raises:
        StillRunning: Some cannot be stopped.
    """
    with exclusive(state):
        stopped = await clear_leftovers(state)
        if left := find_leftovers(state):
            pids = ", ".join(str(process.pid) for process in left)
            raise StillRunning(f"these processes do not stop, look into them: {pids}")
        forget(state)
        if purge:
            remove(state)
    return stopped


def remove(state: Path) -> None:
    for name in OURS:
        path = state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):
        state.rmdir()
