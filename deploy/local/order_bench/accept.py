"""
How many orders a second are accepted, which is: durably stored, with all that will follow.

Nothing follows here: the services answer calls and do no other work, so that accepting stands
alone. It is measured in turns with a bare handler that answers with the same bytes, and with
pgbench writing the same rows.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from statistics import median, quantiles

import asyncpg
import grpc
import psutil

from deploy.local.cluster import Cluster
from deploy.local.databases import asyncpg_url
from deploy.local.order_bench.samples import PLACED, insert_like, read_samples
from deploy.local.order_bench.shop import a_request, bring_goods
from deploy.local.pgbench import transactions_a_second
from deploy.local.product_bench.bytes_server import ANSWER
from deploy.local.product_bench.reads import bytes_server, cpu_seconds_of
from deploy.local.progress import Tell
from deploy.local.world.patience import Patience
from deploy.local.world.services import services_of
from retail.order.v1 import order_service_pb2 as pb

PLACE = "/retail.order.v1.OrderService/PlaceOrder"
PLACE_MANY = "/retail.order.v1.OrderService/BatchPlaceOrders"
CONNECTIONS = 4
WARM_SECONDS = 1.0
# More than are placed in a second.
MOST_A_SECOND = 6_000

_NEW_ORDERS = """
SELECT uuidv7() AS id, now() AS at, CAST('bench' AS text) AS account
FROM generate_series(1, {orders})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepting:
    """
    Who asks for how much.

    Attributes:
        batch: Orders a call.
        in_flight: Calls at once.
        clients: Connections of pgbench, each of which writes as many orders a transaction.
    """

    batch: int
    in_flight: int
    clients: int

    def __str__(self) -> str:
        way = "PlaceOrder" if self.batch == 1 else f"batches of {self.batch}"
        return f"{way}, {self.in_flight} calls in flight"


LOADS = (
    Accepting(batch=1, in_flight=256, clients=16),
    Accepting(batch=100, in_flight=8, clients=2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """
    Attributes:
        per_second: Calls times their orders.
        p50: Milliseconds that a call took; `p99` likewise.
        cpu_ms: CPU time of the process that was called, for each order.
    """

    per_second: float
    p50: float
    p99: float
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """
    Medians of as many rounds each, in turns.

    Attributes:
        echo: A bare handler that is sent the same bytes and answers with the same bytes.
        pgbench: Orders a second whose rows pgbench writes, with nobody to decide or to answer.
    """

    ours: Called
    echo: Called
    pgbench: float


async def measure_accepting(
    cluster: Cluster, load: Accepting, *, rounds: int, seconds: float, tell: Tell
) -> Accepted:
    """
    Measure how fast *cluster*, whose services play the role `api` alone, accepts orders.
    """
    method = PLACE if load.batch == 1 else PLACE_MANY
    ours: list[Called] = []
    echoes: list[Called] = []
    rows: list[float] = []
    order = next(process for process in cluster.services if process.role == "order")
    assert order.identity
    async with AsyncExitStack() as stack:
        channels = await _connections(stack, order.address)
        async with services_of(cluster) as services:
            await bring_goods(services, Patience())
        place: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channels[0].unary_unary(method)
        answer = await place(next(_requests(load, 1)))
        _must_be_accepted(answer, load)
        echo_at, echo_pid = await stack.enter_async_context(bytes_server(answer))
        to_echo = await _connections(stack, echo_at)
        statement = await _rows_like_an_order(cluster, load)
        await _call(channels, method, load, order.identity.pid, WARM_SECONDS)
        await _call(to_echo, ANSWER, load, echo_pid, WARM_SECONDS)
        for number in range(rounds):
            tell(number, str(load))
            echoes.append(await _call(to_echo, ANSWER, load, echo_pid, seconds))
            rows.append(await _rows_a_second(cluster, statement, load, seconds))
            before = await _orders_in(cluster)
            called = await _call(channels, method, load, order.identity.pid, seconds)
            ours.append(called)
            stored = await _orders_in(cluster) - before
            # Each one that was answered is there; so may some be whose callers stopped waiting.
            assert stored >= called.per_second * seconds * 0.9, "orders were answered, not stored"
    return Accepted(ours=_middle(ours), echo=_middle(echoes), pgbench=round(median(rows), 1))


async def _connections(stack: AsyncExitStack, address: str) -> Sequence[grpc.aio.Channel]:
    """
    Return several connections: a single one would limit single calls.
    """
    own = (("grpc.use_local_subchannel_pool", 1),)
    return [
        await stack.enter_async_context(grpc.aio.insecure_channel(address, own))
        for _ in range(CONNECTIONS)
    ]


def _requests(load: Accepting, orders: int) -> Iterator[bytes]:
    """
    Return requests for so many *orders*, ready to be sent.
    """
    if load.batch == 1:
        return iter([a_request(number).SerializeToString() for number in range(orders)])
    return iter(
        [
            pb.BatchPlaceOrdersRequest(
                requests=[a_request(start + number) for number in range(load.batch)]
            ).SerializeToString()
            for start in range(0, orders, load.batch)
        ]
    )


def _must_be_accepted(answer: bytes, load: Accepting) -> None:
    if load.batch > 1:
        results = pb.BatchPlaceOrdersResponse.FromString(answer).results
        assert all(result.HasField("order") for result in results), results[0]


async def _call(
    channels: Sequence[grpc.aio.Channel], method: str, load: Accepting, pid: int, seconds: float
) -> Called:
    requests = await asyncio.to_thread(_requests, load, round(MOST_A_SECOND * seconds))
    took: list[float] = []
    server = psutil.Process(pid)
    cpu, began = cpu_seconds_of(server), time.perf_counter()

    async def ask(channel: grpc.aio.Channel) -> None:
        # The answer is not read: that would be the caller's work, not the service's.
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        for request in requests:
            asked = time.perf_counter()
            if asked - began > seconds:
                return
            await call(request, timeout=10)
            took.append(time.perf_counter() - asked)

    async with asyncio.TaskGroup() as tasks:
        for _, channel in zip(range(load.in_flight), cycle(channels), strict=False):
            tasks.create_task(ask(channel))
    passed, orders = time.perf_counter() - began, len(took) * load.batch
    cuts = quantiles(took, n=100)
    return Called(
        per_second=round(orders / passed, 1),
        p50=round(cuts[49] * 1_000, 1),
        p99=round(cuts[98] * 1_000, 1),
        cpu_ms=round(1_000 * (cpu_seconds_of(server) - cpu) / orders, 3),
    )


def _middle(rounds: Sequence[Called]) -> Called:
    return Called(
        per_second=round(median(each.per_second for each in rounds), 1),
        p50=round(median(each.p50 for each in rounds), 1),
        p99=round(median(each.p99 for each in rounds), 1),
        cpu_ms=round(median(each.cpu_ms for each in rounds), 3),
    )


async def _orders_in(cluster: Cluster) -> int:
    connection = await asyncpg.connect(asyncpg_url(cluster.databases["order"].admin))
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM orders")
    finally:
        await connection.close()
    return count


async def _rows_like_an_order(cluster: Cluster, load: Accepting) -> str:
    """
    Return a statement that writes the rows of a batch of orders like the one placed last.
    """
    connection = await asyncpg.connect(asyncpg_url(cluster.databases["order"].admin))
    try:
        samples = await read_samples(connection, PLACED, status="PENDING")
    finally:
        await connection.close()
    return insert_like(samples, _NEW_ORDERS.format(orders=load.batch))


async def _rows_a_second(
    cluster: Cluster, statement: str, load: Accepting, seconds: float
) -> float:
    url = asyncpg_url(cluster.databases["order"].admin)
    return load.batch * await transactions_a_second(
        url, statement, clients=load.clients, seconds=seconds
    )
