"""
How many pieces of work a second go through each stage, and at what cost.

Nothing follows: the services answer calls and do no other work. Beside it, in turns: a bare handler
that answers with the same bytes, and pgbench writing the rows that a piece of work, and a return,
leave behind in the end.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from uuid import UUID

import asyncpg
import grpc

from deploy.local.cluster import Cluster
from deploy.local.databases import asyncpg_url
from deploy.local.errors import CommandFailed
from deploy.local.fulfillment_bench.stages import RETURNS, STAGES, WORK, Stage
from deploy.local.fulfillment_bench.work import PROVIDER, Piece, open_work
from deploy.local.order_bench.cost import Work, median_work, work_of
from deploy.local.order_bench.samples import insert_like, samples_of
from deploy.local.pgbench import transactions_a_second
from deploy.local.product_bench.bytes_server import ANSWER
from deploy.local.product_bench.reads import bytes_server
from deploy.local.progress import Tell
from deploy.local.world.patience import Patience, is_passing
from deploy.local.world.services import services_of
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

MOST_ASKS = 20
WARM = 100
# Where the rows of a piece of work are, and of a return; which column says whose they are.
WORK_ROWS = {
    "fulfillment_orders": "id",
    "offers": "fulfillment_order_id",
    "shipments": "fulfillment_order_id",
}
RETURN_ROWS = {"returns": "id", "return_receipts": "return_id"}
EVENTS = {"outbox": "aggregate_id"}

_NEW = """
SELECT uuidv7() AS id, now() AS at, CAST('bench' AS text) AS account
FROM generate_series(1, {count})
"""

Ask = Callable[[bytes], Awaitable[object]]
Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    Attributes:
        batch: Pieces of work a call.
        in_flight: Calls at once.
    """

    batch: int
    in_flight: int

    def __str__(self) -> str:
        if self.batch == 1:
            return f"single calls, {self.in_flight} in flight"
        return f"batches of {self.batch}, {self.in_flight} in flight"


LOADS = (Load(batch=100, in_flight=4), Load(batch=1, in_flight=64))
SINGLE = LOADS[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """
    Attributes:
        per_second: Pieces of work.
        work: What each of them cost: CPU time by process, SQL statements and transactions.
    """

    per_second: float
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """
    Medians of as many rounds each, in turns; 0: not measured.

    Attributes:
        echo: Calls a second that a bare handler answers, times the pieces of work they carry.
        work_rows: Pieces of work a second whose rows pgbench writes; `return_rows` likewise.
    """

    stages: Mapping[str, Done]
    echo: float
    work_rows: float
    return_rows: float

    @property
    def whole(self) -> float:
        """
        Pieces of work a second that go from offered to delivered.
        """
        return 1 / sum(1 / self.stages[stage.name].per_second for stage in WORK)

    @property
    def returned(self) -> float:
        """
        Returns a second that go from requested to closed.
        """
        return 1 / sum(1 / self.stages[stage.name].per_second for stage in RETURNS)


class Fulfillment:
    """
    The service of a cluster, to be asked in bytes.
    """

    def __init__(self, cluster: Cluster, channel: grpc.aio.Channel) -> None:
        self.cluster = cluster
        self._channel = channel

    async def go_through(self, work: Sequence[Piece], load: Load) -> Mapping[str, Done]:
        """
        Bring *work* through all stages.
        """
        return {stage.name: await self._do(stage, work, load) for stage in STAGES}

    async def answer_to(self, stage: Stage, work: Sequence[Piece]) -> bytes:
        """
        Return what the service answers when *work* comes to *stage*.
        """
        call: Call = self._channel.unary_unary(stage.method)
        return await done(call, stage, stage.request(work).SerializeToString())

    async def _do(self, stage: Stage, work: Sequence[Piece], load: Load) -> Done:
        call: Call = self._channel.unary_unary(stage.method)
        asked = SINGLE if stage.single else load
        requests = requests_of(stage, work, asked)
        before = await work_of(self.cluster)
        seconds = await ask_all(lambda request: done(call, stage, request), requests, asked)
        cost = (await work_of(self.cluster)).per_order(before, len(work))
        return Done(per_second=round(len(work) / seconds, 1), work=cost)


async def measure_lives(
    cluster: Cluster, load: Load, *, pieces: int, rounds: int, seconds: float, tell: Tell
) -> Lives:
    """
    Bring so many *pieces* of work through all stages in each of *rounds* on *cluster*.

    Args:
        seconds: How long pgbench writes in each round.
    """
    found: list[Mapping[str, Done]] = []
    echoes: list[float] = []
    work_rows: list[float] = []
    return_rows: list[float] = []
    async with AsyncExitStack() as stack:
        fulfillment = await stack.enter_async_context(opened(cluster))
        batch = await open_work(cluster, load.batch)
        answer = await fulfillment.answer_to(WORK[0], batch)
        echo_at, _ = await stack.enter_async_context(bytes_server(answer))
        echo: Call = (
            await stack.enter_async_context(grpc.aio.insecure_channel(echo_at))
        ).unary_unary(ANSWER)
        (sample,) = await open_work(cluster, 1)
        await fulfillment.go_through([sample], SINGLE)
        of_work = await rows_like(cluster, WORK_ROWS | EVENTS, sample.id, load)
        of_return = await rows_like(cluster, RETURN_ROWS | EVENTS, sample.return_id, load)
        for number in range(rounds):
            tell(number, str(load))
            work = await open_work(cluster, pieces)
            requests = requests_of(WORK[0], work, load)
            echoes.append(pieces / await ask_all(echo, requests, load))
            work_rows.append(await rows_a_second(cluster, of_work, load, seconds))
            return_rows.append(await rows_a_second(cluster, of_return, load, seconds))
            found.append(await fulfillment.go_through(work, load))
    return Lives(
        stages=middle_of(found),
        echo=round(median(echoes), 1),
        work_rows=round(median(work_rows), 1),
        return_rows=round(median(return_rows), 1),
    )


@asynccontextmanager
async def opened(cluster: Cluster) -> AsyncGenerator[Fulfillment]:
    """
    Make the bench's provider known in *cluster*, and give its service, warm, to be asked.
    """
    async with services_of(cluster) as services:
        known = pb.PutProviderRequest(provider=pb.Provider(provider_id=PROVIDER, name="Bench"))
        await Patience()(services.fulfillment.PutProvider, known)
    service = next(each for each in cluster.services if each.role == "fulfillment")
    async with grpc.aio.insecure_channel(service.address) as channel:
        fulfillment = Fulfillment(cluster, channel)
        await fulfillment.go_through(await open_work(cluster, WARM), SINGLE)
        yield fulfillment


def middle_of(rounds: Sequence[Mapping[str, Done]]) -> Mapping[str, Done]:
    """
    Return the median of each stage.
    """
    return {
        name: Done(
            per_second=round(median(each[name].per_second for each in rounds), 1),
            work=median_work([each[name].work for each in rounds]),
        )
        for name in rounds[0]
    }


def requests_of(stage: Stage, work: Sequence[Piece], load: Load) -> Sequence[bytes]:
    starts = range(0, len(work), load.batch)
    return [stage.request(work[start : start + load.batch]).SerializeToString() for start in starts]


async def ask_all(ask: Ask, requests: Sequence[bytes], load: Load) -> float:
    """
    Ask all *requests* and return how many seconds that took.
    """
    waiting = iter(requests)
    began = time.perf_counter()

    async def keep_asking() -> None:
        for request in waiting:
            await ask(request)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(load.in_flight):
            tasks.create_task(keep_asking())
    return time.perf_counter() - began


async def done(call: Call, stage: Stage, request: bytes) -> bytes:
    """
    Ask for *request* until it is done, and return the answer.

    Raises:
        CommandFailed: It is refused, or is too much each time.
    """
    for _ in range(MOST_ASKS):
        try:
            answer = await call(request, timeout=30)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                continue
            raise CommandFailed(f"{stage.method} fails: {error.details()}") from error
        results = [] if stage.single else stage.answer.FromString(answer).results
        refusals = [result.error for result in results if result.HasField("error")]
        for refusal in refusals:
            if not is_passing(refusal):
                raise CommandFailed(f"{stage.method} says no: {refusal.message}")
        if not refusals:
            return answer
    raise CommandFailed(f"{stage.method} had no time, {MOST_ASKS} times")


async def rows_like(cluster: Cluster, tables: Mapping[str, str], id_: str, load: Load) -> str:
    """
    Return a statement that writes as many rows like those of *id_* as a call is about.
    """
    connection = await asyncpg.connect(asyncpg_url(cluster.databases["fulfillment"].admin))
    try:
        samples = await samples_of(connection, tables, UUID(id_))
    finally:
        await connection.close()
    return insert_like(samples, _NEW.format(count=load.batch))


async def rows_a_second(cluster: Cluster, statement: str, load: Load, seconds: float) -> float:
    url = asyncpg_url(cluster.databases["fulfillment"].admin)
    clients = 16 if load.batch == 1 else 2
    return load.batch * await transactions_a_second(
        url, statement, clients=clients, seconds=seconds
    )
