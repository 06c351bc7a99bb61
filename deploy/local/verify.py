"""
Check every invariant of the domain against the running cluster.

Reads the four databases (as their administrator) and the streams directly, not through the
services' code. A cluster at work is given some seconds to come to rest; if it does not, what is
only on its way is told from what is wrong by looking again. Ends with 0 only if all hold.
"""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from asyncpg import InternalClientError
from nats.js.errors import NotFoundError

from chassis.outages import is_outage
from deploy.local.cluster import Cluster, load, to_json
from deploy.local.errors import ServerAway
from deploy.local.invariants.catalogue import INVARIANTS
from deploy.local.invariants.evidence import evidence_of
from deploy.local.invariants.invariant import Finding, Invariant
from deploy.local.invariants.quiet import wait_for_quiet
from deploy.local.verdict import Verdict

# What is on its way arrives meanwhile; what is wrong stays wrong.
LOOKS_AGAIN = {True: 1, False: 5}
BETWEEN_LOOKS_SECONDS = 1.5
# A server that was killed is back within seconds.
AWAY_SECONDS = 20.0

T = TypeVar("T")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="how long to wait for the cluster to come to rest (default: 10)",
    )
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    verdict = await verify(load(arguments.state), wait_seconds=arguments.wait)
    if arguments.json:
        print(to_json(verdict.for_json()).decode(), end="")
    else:
        verdict.show()
    return 0 if verdict.holds else 1


async def verify(
    cluster: Cluster,
    *,
    wait_seconds: float,
    invariants: Sequence[Invariant] = INVARIANTS,
) -> Verdict:
    """
    Check *invariants* against *cluster*.
    """
    began = time.monotonic()
    quiet = await patiently(lambda: wait_for_quiet(cluster, wait_seconds))
    findings = await look(cluster, invariants)
    for _ in range(LOOKS_AGAIN[quiet]):
        suspects = [each for each in invariants if findings[each.id].violations]
        if not suspects:
            break
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
        for id_, again in (await look(cluster, suspects)).items():
            still = {violation.key for violation in findings[id_].violations}
            again.violations = [v for v in again.violations if v.key in still]
            findings[id_] = again
    return Verdict(
        [(each, findings[each.id]) for each in invariants], quiet, time.monotonic() - began
    )


async def look(cluster: Cluster, invariants: Sequence[Invariant]) -> dict[str, Finding]:
    async def once() -> dict[str, Finding]:
        async with evidence_of(cluster) as evidence:
            return {each.id: await each.check(evidence) for each in invariants}

    return await patiently(once)


async def patiently(look_once: Callable[[], Awaitable[T]]) -> T:
    """
    Return what *look_once* finds; if a server goes away meanwhile, once it is back.

    Raises:
        ServerAway: It does not come back.
    """
    deadline = time.monotonic() + AWAY_SECONDS
    while True:
        try:
            return await look_once()
        except Exception as error:
            # (The second is what asyncpg may call a connection that was lost in the middle.)
            if not is_outage(error) and not isinstance(error, InternalClientError):
                raise
            if time.monotonic() > deadline:
                if isinstance(error, NotFoundError):
                    raise ServerAway(
                        "a stream or a consumer is missing: make it anew with `make provision`"
                    ) from None
                raise ServerAway(
                    f"PostgreSQL or NATS does not answer ({type(error).__name__}: {error})."
                    " `make status` tells which; verify again when it is well."
                ) from None
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
