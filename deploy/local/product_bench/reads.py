"""
GetProduct a second: from the cache beside a bare handler that answers with the same bytes, and
from the database beside the bare SELECT through asyncpg.

Each is measured in turns and several times over, against real processes; medians count. A rate is
what one client in Python gets, and the client may be what is slow: so the CPU time of the server
for each call is measured, too.
"""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from statistics import median
from uuid import UUID

import asyncpg
import grpc
import psutil

from deploy.local.databases import asyncpg_url
from deploy.local.product_bench.bytes_server import ANSWER
from deploy.local.product_bench.products import make_products, statements_on_products
from deploy.local.product_bench.world import Replica, World, replicas
from deploy.local.services import GRPC_EXPERIMENTS
from deploy.local.topology import PYTHONPATH

IN_FLIGHT = 64
GET_PRODUCT = "/retail.product.v1.ProductService/GetProduct"
# As many as a replica opens.
CONNECTIONS = 4
UNCACHED_EACH_ROUND = 4_000
# Before anything counts, for both sides: connections, and code that has not run yet.
WARM_SECONDS = 1.0
WARM_READS = 400

_SELECT = """
SELECT p.id, p.version, p.title, p.description, p.state, p.created_at, v.sku, v.price_minor_units,
    v.price_currency, v.gtin, v.weight_grams, v.attributes
FROM ONLY products AS p JOIN variants AS v ON v.product_id = p.id WHERE p.id = $1
ORDER BY v.position
"""

Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """
    Medians of what we do and of the limit.

    Attributes:
        ours: Calls a second; `limit` likewise.
        cpu_ratio: CPU time of the limit's server for a call, divided by ours; 0 if not measured.
        statements: SQL statements for each of our calls.
    """

    ours: float
    limit: float
    cpu_ratio: float
    statements: float

    @property
    def ratio(self) -> float:
        return round(self.ours / self.limit, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    cached: Beside
    uncached: Beside


@dataclass(frozen=True, slots=True)
class Round:
    rate: float
    cpu_seconds: float


async def measure_reads(servers: World, *, seconds: float, rounds: int) -> Reads:
    """
    Measure a replica of its own, for some *seconds* each in every one of *rounds*.
    """
    # No worker: it would put the products that are made here into the search index meanwhile.
    async with replicas(servers, 1, roles="api") as (replica,):
        (product,) = await make_products(servers, 1)
        async with grpc.aio.insecure_channel(replica.address) as channel:
            get: Call = channel.unary_unary(GET_PRODUCT)
            answer = await get(request_of(product))
        async with bytes_server(answer) as (limit_at, limit_pid):
            cached = await cached_beside_bytes(
                servers, replica, product, limit_at, limit_pid, seconds=seconds, rounds=rounds
            )
        uncached = await uncached_beside_select(servers, replica, rounds)
    return Reads(cached=cached, uncached=uncached)


async def cached_beside_bytes(
    servers: World,
    replica: Replica,
    product: UUID,
    limit_at: str,
    limit_pid: int,
    *,
    seconds: float,
    rounds: int,
) -> Beside:
    request = request_of(product)
    ours: list[Round] = []
    limits: list[Round] = []
    async with (
        grpc.aio.insecure_channel(replica.address) as our_channel,
        grpc.aio.insecure_channel(limit_at) as limit_channel,
    ):
        get: Call = our_channel.unary_unary(GET_PRODUCT)
        bare: Call = limit_channel.unary_unary(ANSWER)
        for call, pid in ((bare, limit_pid), (get, replica.pid)):
            await calls_for(call, request, pid, seconds=WARM_SECONDS)
        before = await statements_on_products(servers)
        for _ in range(rounds):
            for call, pid, results in ((bare, limit_pid, limits), (get, replica.pid, ours)):
                results.append(await calls_for(call, request, pid, seconds=seconds))
        statements = await statements_on_products(servers) - before
    calls = sum(each.rate * seconds for each in ours)
    return beside(ours, limits, statements / calls)


async def uncached_beside_select(servers: World, replica: Replica, rounds: int) -> Beside:
    ours: list[Round] = []
    limits: list[Round] = []
    pool = await asyncpg.create_pool(
        asyncpg_url(servers.database.admin), min_size=CONNECTIONS, max_size=CONNECTIONS
    )
    async with grpc.aio.insecure_channel(replica.address) as channel:
        get: Call = channel.unary_unary(GET_PRODUCT)

        async def read_both(count: int) -> tuple[Round, Round]:
            # Never read before, so in no cache.
            ids = await make_products(servers, count)
            limit = await each_once(lambda id_: pool.fetch(_SELECT, id_), ids)
            return limit, await each_once(lambda id_: get(request_of(id_)), ids)

        await read_both(WARM_READS)
        before = await statements_on_products(servers)
        for _ in range(rounds):
            limit, our = await read_both(UNCACHED_EACH_ROUND)
            limits.append(limit)
            ours.append(our)
    await pool.close()
    statements = await statements_on_products(servers) - before
    return beside(ours, limits, statements / (rounds * UNCACHED_EACH_ROUND))


@asynccontextmanager
async def bytes_server(answer: bytes) -> AsyncGenerator[tuple[str, int]]:
    """
    Run a bare server that answers with *answer*; give its address and pid.
    """
    server = await create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local.product_bench.bytes_server"),
        stdin=PIPE,
        stdout=PIPE,
        env=os.environ | {"PYTHONPATH": PYTHONPATH, "GRPC_EXPERIMENTS": GRPC_EXPERIMENTS},
    )
    try:
        assert server.stdin
        assert server.stdout
        server.stdin.write(answer.hex().encode() + b"\n")
        await server.stdin.drain()
        yield (await server.stdout.readline()).decode().strip(), server.pid
    finally:
        with suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


async def calls_for(call: Call, request: bytes, pid: int, *, seconds: float) -> Round:
    """
    Make calls for some *seconds*, as many in flight as may be.
    """
    count = 0
    server = psutil.Process(pid)
    began, cpu = time.perf_counter(), cpu_seconds_of(server)

    async def repeat() -> None:
        nonlocal count
        while time.perf_counter() - began < seconds:
            await call(request)
            count += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(IN_FLIGHT):
            tasks.create_task(repeat())
    rate = count / (time.perf_counter() - began)
    return Round(rate, (cpu_seconds_of(server) - cpu) / count)


async def each_once(act: Callable[[UUID], Awaitable[object]], ids: Sequence[UUID]) -> Round:
    left: Iterator[UUID] = iter(ids)
    began = time.perf_counter()

    async def work() -> None:
        for id_ in left:
            await act(id_)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(IN_FLIGHT):
            tasks.create_task(work())
    return Round(len(ids) / (time.perf_counter() - began), 0)


def beside(ours: Sequence[Round], limits: Sequence[Round], statements: float) -> Beside:
    our_cpu = median(each.cpu_seconds for each in ours)
    limit_cpu = median(each.cpu_seconds for each in limits)
    return Beside(
        ours=round(median(each.rate for each in ours)),
        limit=round(median(each.rate for each in limits)),
        cpu_ratio=round(limit_cpu / our_cpu, 2) if our_cpu else 0,
        statements=round(statements, 3),
    )


def cpu_seconds_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def request_of(product: UUID) -> bytes:
    # A GetProductRequest: field 1, 36 characters.
    return b"\x0a\x24" + str(product).encode()
