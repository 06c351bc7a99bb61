"""Kill replicas of a service while others work with it: they come back, and nothing is lost."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from random import Random

from deploy.local.cluster import Cluster, read
from deploy.local.errors import CommandFailed
from deploy.local.processes import Process

BETWEEN_LOOKS_SECONDS = 0.05
TIMES = 10


class Kills:
    """
    So many kills (SIGKILL) of a service's replicas, in turn, spread over a piece of work.

    Attributes:
        times: How many are asked for. It may come to fewer, as one waits for the one before.
        done: How many there were.
    """

    def __init__(self, cluster: Cluster, service: str, *, times: int) -> None:
        services = {process.role for process in cluster.services}
        if service not in services:
            there = ", ".join(sorted(services))
            raise CommandFailed(f"there is no service {service!r} to kill: say one of {there}")
        self._cluster = cluster
        self._service = service
        self.times = times
        self._chance = Random(times)
        self.done = 0

    async def run(self, so_far: Callable[[], int], in_all: int) -> None:
        """
        Kill each time a share of the work is done, at a moment by chance within that share.

        Args:
            so_far: How much is done.
        """
        share = in_all / (self.times + 1)
        for number in range(self.times):
            moment = share * (number + self._chance.random())
            while True:
                if so_far() >= moment:
                    break
                await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
            # It may have died by itself since.
            with suppress(ProcessLookupError):
                os.kill(await self._victim(number), signal.SIGKILL)
                self.done += 1

    async def _victim(self, number: int) -> int:
        """
        Return the pid of the next replica, once it is back from when it was killed last.
        """
        while True:
            now = read(self._cluster.state)
            replicas = [p for p in now.services if p.role == self._service] if now else []
            if replicas and (pid := _healthy(replicas[number % len(replicas)])):
                return pid
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)


def kills_of(cluster: Cluster, service: str, *, times: int | None) -> Kills | None:
    """
    Return the kills that somebody asks for, if any.

    Raises:
        CommandFailed: There is no such service, or none was said.
    """
    if service:
        return Kills(cluster, service, times=times or TIMES)
    if times:
        raise CommandFailed("say which service to kill, such as order: make replay KILL=order …")
    return None


def _healthy(process: Process) -> int | None:
    identity = process.identity
    alive = identity is not None and identity.alive and process.condition == "healthy"
    return identity.pid if identity and alive else None
