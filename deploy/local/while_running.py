"""Work on a cluster that may be stopped meanwhile."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from deploy.local.cluster import Cluster, read
from deploy.local.errors import NotRunning

BETWEEN_LOOKS_SECONDS = 1.0

T = TypeVar("T")


async def while_running(cluster: Cluster, work: Coroutine[Any, Any, T]) -> T:
    """
    Return what *work* comes to. What is killed comes back, and work waits for it; but when all of
    *cluster* is stopped, the work is too: nobody would ever answer it.

    Raises:
        NotRunning: The cluster was stopped.
    """
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait({task}, timeout=BETWEEN_LOOKS_SECONDS))[0]:
            if not still_runs(cluster):
                raise NotRunning(
                    f"the cluster in {cluster.state} was stopped meanwhile. Start it with"
                    " `make up`, and the same command goes on; nothing is done twice."
                )
        return task.result()
    finally:
        # More than once: its last wishes are addressed to the cluster, too.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=BETWEEN_LOOKS_SECONDS)


def still_runs(cluster: Cluster) -> bool:
    now = read(cluster.state)
    # One that was started anew has other ports.
    return now is not None and now.alive and now.supervisor == cluster.supervisor
