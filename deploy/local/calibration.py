"""
The limits of this machine, measured beside what we do with it.

Figures of another machine, or of a busy hour, say little; a ratio to what a bare server does here
and now says more.
"""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import grpc

from chassis.events.broker import connect_broker
from deploy.local.cluster import Cluster
from deploy.local.invariants.evidence import connect

SECONDS = 2.0
WRITERS = 16
ECHO = "/calibration/Echo"
SERVER = Path(__file__).with_name("echo_server.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    How often a second this machine does each, just now.

    Attributes:
        echo: Bare gRPC calls in Python, as many in flight as orders are.
        inserts: Transactions of one row each, by 16 clients, on the cluster's PostgreSQL.
        publishes: Messages kept by the cluster's JetStream, one after the other.
    """

    echo: float
    inserts: float
    publishes: float


async def limits_of(cluster: Cluster, *, echo_at: str, in_flight: int) -> Limits:
    """
    Measure the limits on the servers of *cluster*, for some seconds each.

    Args:
        echo_at: Where an `echo_server` listens.
    """
    return Limits(
        echo=await echoes(echo_at, in_flight),
        inserts=await inserts(cluster),
        publishes=await publishes(cluster),
    )


def mean_of(before: Limits, after: Limits) -> Limits:
    """
    Return the middle of what was measured before and after something.
    """
    return Limits(
        echo=round((before.echo + after.echo) / 2, 1),
        inserts=round((before.inserts + after.inserts) / 2, 1),
        publishes=round((before.publishes + after.publishes) / 2, 1),
    )


async def echoes(address: str, in_flight: int) -> float:
    async with grpc.aio.insecure_channel(address) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(ECHO)

        async def echo() -> None:
            await call(b"x" * 200, timeout=10, wait_for_ready=True)

        await echo()
        return await rate(echo, in_flight)


@asynccontextmanager
async def echo_server() -> AsyncGenerator[str]:
    """
    Run a bare server in a process of its own, as the services are; start it before anything here
    uses gRPC, which does not like its process to be forked.
    """
    server = await asyncio.create_subprocess_exec(sys.executable, str(SERVER), stdout=PIPE)
    try:
        assert server.stdout
        yield (await server.stdout.readline()).decode().strip()
    finally:
        with suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


async def inserts(cluster: Cluster) -> float:
    table = f"calibration_{uuid4().hex}"
    connections = [await connect(cluster.admin_url) for _ in range(WRITERS)]
    try:
        await connections[0].execute(f"CREATE TABLE {table} (id uuid PRIMARY KEY, payload text)")
        free = list(connections)

        async def insert() -> None:
            connection = free.pop()
            await connection.execute(f"INSERT INTO {table} VALUES ($1, $2)", uuid4(), "x" * 100)
            free.append(connection)

        return await rate(insert, WRITERS)
    finally:
        await connections[0].execute(f"DROP TABLE IF EXISTS {table}")
        for connection in connections:
            await connection.close()


async def publishes(cluster: Cluster) -> float:
    name = f"CALIBRATION_{uuid4().hex}"
    broker = await connect_broker(cluster.nats_url, name="calibration")
    jetstream = broker.jetstream()
    try:
        await jetstream.add_stream(
            name=name, subjects=[name], num_replicas=cluster.nats_nodes, max_bytes=2**28
        )

        async def publish() -> None:
            await jetstream.publish(name, b"x" * 200)

        try:
            return await rate(publish, 1)
        finally:
            await jetstream.delete_stream(name)
    finally:
        await broker.close()


async def rate(act: Callable[[], Awaitable[None]], at_once: int) -> float:
    """
    Do *act* over and over, *at_once* at a time; return how often a second it was done.
    """
    count = 0
    began = time.monotonic()

    async def repeat() -> None:
        nonlocal count
        while time.monotonic() - began < SECONDS:
            await act()
            count += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(repeat())
    return round(count / (time.monotonic() - began), 1)
