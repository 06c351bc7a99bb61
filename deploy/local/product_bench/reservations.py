"""Reservations a second through gRPC, beside the same rows written straight, and bare calls."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from statistics import median, quantiles
from uuid import uuid4

import asyncpg
import grpc

from chassis.kernel.ids import new_id
from deploy.local.databases import asyncpg_url
from deploy.local.product_bench.bytes_server import ANSWER
from deploy.local.product_bench.reads import bytes_server
from deploy.local.product_bench.world import World, replicas
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1 import stock_service_pb2 as stock_pb
from retail.product.v1.product_service_pb2_grpc import ProductServiceStub
from retail.product.v1.stock_service_pb2_grpc import StockServiceStub

RESERVE = "/retail.product.v1.ProductService/ReserveStock"
LOCATION = "bench"
PLENTY = 1_000_000
WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    Who asks for what.

    Attributes:
        skus: How many SKUs the reservations are for, one each.
        batch: Reservations in a call.
        in_flight: Calls at once.
    """

    skus: int
    batch: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """
    Attributes:
        per_second: Reservations.
        p50: Milliseconds that a call took.
        p99: Milliseconds.
    """

    per_second: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Beside:
    """
    Medians of as many rounds each, in turns.

    Attributes:
        rows: Reservations a second, written by PostgreSQL as they come out in the end: in
            batches of 100 over two connections, with nobody to decide and nobody to answer.
        calls: Calls a second of as many in flight, to a bare handler that answers as we do.
    """

    ours: Reserved
    rows: float
    calls: float

    def limit_of(self, load: Load) -> float:
        """
        Return the reservations a second that no service can surpass.
        """
        return min(self.rows, self.calls * load.batch)


async def reservations_beside_raw(
    servers: World, load: Load, *, replica_count: int, rounds: int, seconds: float
) -> Beside:
    """
    Measure reservations under *load*, spread over replicas, beside the bare writes.
    """
    ours, rows, bare = [], [], []
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(replicas(servers, replica_count))
        bare_at, _ = await stack.enter_async_context(bytes_server(_answer(load)))
        to_bare = await _connections(stack, [bare_at])
        channels = await _connections(stack, [replica.address for replica in running])
        await receive_plenty(channels[0], _skus(load))
        await _reserve(to_bare, load, WARM_SECONDS, method=ANSWER)
        await _reserve(channels, load, WARM_SECONDS)
        for _ in range(rounds):
            rows.append(await _raw_reservations(servers, seconds))
            bare.append(await _reserve(to_bare, load, seconds, method=ANSWER))
            ours.append(await _reserve(channels, load, seconds))
    return Beside(
        Reserved(
            round(median(each.per_second for each in ours)),
            round(median(each.p50 for each in ours), 1),
            round(median(each.p99 for each in ours), 1),
        ),
        round(median(rows)),
        round(median(each.per_second for each in bare) / load.batch),
    )


async def _connections(
    stack: AsyncExitStack, addresses: Sequence[str]
) -> Sequence[grpc.aio.Channel]:
    """
    Return several connections to each address: a single one would limit single calls.
    """
    own = (("grpc.use_local_subchannel_pool", 1),)
    return [
        await stack.enter_async_context(grpc.aio.insecure_channel(address, own))
        for address in addresses
        for _ in range(4)
    ]


def _answer(load: Load) -> bytes:
    """
    Return what an answer to a call under *load* looks like.
    """
    allocation = pb.Allocation(sku="BENCH-0", location_id=LOCATION, quantity=1)
    reservation = pb.Reservation(
        reservation_id=str(uuid4()), state=pb.RESERVATION_STATE_HELD, allocations=[allocation]
    )
    reservation.expire_time.GetCurrentTime()
    results = [pb.ReservationResult(reservation=reservation)] * load.batch
    return pb.ReserveStockResponse(results=results).SerializeToString()


def _skus(load: Load) -> Sequence[str]:
    return [f"BENCH-{number}" for number in range(load.skus)]


async def receive_plenty(channel: grpc.aio.Channel, skus: Sequence[str]) -> None:
    """
    Book in so much of each of *skus* that nobody runs out of it.
    """
    location = stock_pb.Location(location_id=LOCATION, name=LOCATION)
    request = stock_pb.CreateLocationRequest(location=location)
    await StockServiceStub(channel).CreateLocation(request)
    product = ProductServiceStub(channel)
    for start in range(0, len(skus), 500):
        receipts = [
            pb.Receipt(request_id=str(uuid4()), sku=sku, location_id=LOCATION, quantity=PLENTY)
            for sku in skus[start : start + 500]
        ]
        answer = await product.ReceiveStock(pb.ReceiveStockRequest(receipts=receipts))
        assert all(result.HasField("stock_level") for result in answer.results)


async def _reserve(
    channels: Sequence[grpc.aio.Channel], load: Load, seconds: float, *, method: str = RESERVE
) -> Reserved:
    requests = await asyncio.to_thread(_requests, load, round(30_000 * seconds))
    took: list[float] = []
    began = time.perf_counter()

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
    per_second = len(took) * load.batch / (time.perf_counter() - began)
    cuts = quantiles(took, n=100)
    return Reserved(per_second, cuts[49] * 1_000, cuts[98] * 1_000)


def _requests(load: Load, reservations: int) -> Iterator[bytes]:
    """
    Return requests for so many *reservations*, ready to be sent. Their ids are in the order of
    time, as those of orders are.
    """
    skus = cycle(_skus(load))
    return iter(
        [
            pb.ReserveStockRequest(
                reservations=[
                    pb.ReservationRequest(
                        reservation_id=str(new_id()),
                        lines=[pb.ReservationLine(sku=next(skus), quantity=1)],
                    )
                    for _ in range(load.batch)
                ]
            ).SerializeToString()
            for _ in range(reservations // load.batch)
        ]
    )


# What a reservation of one line leaves behind: its row, its allocation, its movement, its event;
# and one change of the stock for all of them.
_RAW = """
WITH r AS (
    INSERT INTO reservations (id, version, event_count, trace, state, expires_at)
    SELECT id, 1, 1, '', 'HELD', now() + interval '1 hour' FROM unnest($1::uuid[]) AS given (id)
), a AS (
    INSERT INTO reservation_allocations (reservation_id, sku, location_id, quantity, shipped)
    SELECT id, 'RAW', 'raw', 1, 0 FROM unnest($1::uuid[]) AS given (id)
), m AS (
    INSERT INTO stock_movements (sku, location_id, kind, delta_on_hand, delta_held,
        delta_allocated, delta_damaged, cause_type, cause_id, occurred_at)
    SELECT 'RAW', 'raw', 'HELD', 0, 1, 0, 0, 'RESERVATION', id, now()
    FROM unnest($1::uuid[]) AS given (id)
), o AS (
    INSERT INTO outbox (partition, event_id, aggregate_id, aggregate_version, subject, payload,
        trace, occurred_at)
    SELECT 1, id, id, 1, 'retail.product.v1.StockReserved', $2, '', now()
    FROM unnest($1::uuid[]) AS given (id)
)
UPDATE stock_items SET held = held + $3 WHERE sku = 'RAW' AND on_hand - held >= $3
"""
_RAW_ITEM = """
INSERT INTO stock_items (id, version, event_count, trace, sku, location_id, on_hand, held,
    allocated, damaged)
VALUES (gen_random_uuid(), 1, 0, '', 'RAW', 'raw', 1000000000, 0, 0, 0)
ON CONFLICT (sku, location_id) DO NOTHING
"""
_RAW_BATCH = 100
_RAW_LANES = 2


async def _raw_reservations(servers: World, seconds: float) -> float:
    done = 0
    began = time.perf_counter()

    async def write(connection: asyncpg.Connection) -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            ids = [new_id() for _ in range(_RAW_BATCH)]
            assert await connection.execute(_RAW, ids, b"x" * 200, _RAW_BATCH) == "UPDATE 1"
            done += _RAW_BATCH

    connections = [
        await asyncpg.connect(asyncpg_url(servers.database.admin)) for _ in range(_RAW_LANES)
    ]
    try:
        await connections[0].execute(_RAW_ITEM)
        async with asyncio.TaskGroup() as tasks:
            for connection in connections:
                tasks.create_task(write(connection))
        return done / (time.perf_counter() - began)
    finally:
        for connection in connections:
            await connection.close()
