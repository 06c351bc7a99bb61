"""
How many authorizations and captures a second the payment service brings about, and at what cost.

Beside it, in turns: a bare handler that answers with the same bytes; the simulated PSP, asked
without the service; and pgbench writing the rows of authorizations, with nobody to ask.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from uuid import UUID

import asyncpg
import grpc

from deploy.local.cluster import Cluster
from deploy.local.databases import asyncpg_url
from deploy.local.errors import CommandFailed
from deploy.local.order_bench.cost import Work, median_work, work_of
from deploy.local.order_bench.samples import insert_like, samples_of
from deploy.local.payment_bench.requests import (
    Ask,
    Load,
    authorizations,
    captures,
    form_of,
    new_ids,
    the_psp_alone,
)
from deploy.local.pgbench import transactions_a_second
from deploy.local.product_bench.bytes_server import ANSWER
from deploy.local.product_bench.reads import bytes_server
from deploy.local.progress import Tell
from retail.payment.v1 import payment_service_pb2 as pb

AUTHORIZE = "/retail.payment.v1.PaymentService/AuthorizePayments"
CAPTURE = "/retail.payment.v1.PaymentService/CapturePayments"
# Where the rows of an authorization are, and which column says whose they are.
AUTHORIZED = {"payments": "id", "payment_transactions": "payment_id", "outbox": "aggregate_id"}
CLIENTS = 16
MOST_ASKS = 20

Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]

_NEW_PAYMENTS = """
SELECT uuidv7() AS id, now() AS at, CAST('' AS text) AS account FROM generate_series(1, {count})
"""


LOADS = (Load(batch=100, in_flight=4), Load(batch=1, in_flight=64))
ALONE = LOADS[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """
    Attributes:
        per_second: Payments.
        again: Calls that had to be made again, as something did not answer in time.
        work: What each of them cost: CPU time by process, SQL statements and transactions.
    """

    per_second: float
    again: int
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    Medians of as many rounds each, in turns.

    Attributes:
        echo: Payments a second that a bare handler answers, asked in the same way.
        psp: Authorizations a second that the PSP makes, asked without the service.
        rows: Authorizations a second whose rows pgbench writes.
    """

    authorized: Done
    captured: Done
    echo: float
    psp: float
    rows: float


async def measure_asking(
    cluster: Cluster, load: Load, *, payments: int, rounds: int, seconds: float, tell: Tell
) -> Asked:
    """
    Authorize and capture so many *payments* in each of *rounds* on *cluster*.

    Args:
        seconds: How long pgbench writes in each round.
    """
    service = next(each for each in cluster.services if each.role == "payment")
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(service.address))
        first = new_ids(load.batch)
        authorize: Call = channel.unary_unary(AUTHORIZE)
        (request,) = authorizations(first, load)
        await times_again(authorize, request)
        echo_at, _ = await stack.enter_async_context(bytes_server(await authorize(request)))
        to_echo = await stack.enter_async_context(grpc.aio.insecure_channel(echo_at))
        authorize_directly = await stack.enter_async_context(the_psp_alone(cluster))
        statement = await _rows_like(cluster, first[0], load)
        found = _Found([], [], [], [], [])
        for number in range(rounds):
            tell(number, str(load))
            ids = new_ids(payments)
            echo: Call = to_echo.unary_unary(ANSWER)
            found.echo.append(await _rate(echo, authorizations(ids, load), load))
            found.psp.append(await _rate(authorize_directly, map(form_of, ids), ALONE))
            found.rows.append(await _rows_a_second(cluster, statement, load, seconds))
            for done, method, requests in (
                (found.authorized, AUTHORIZE, authorizations(ids, load)),
                (found.captured, CAPTURE, captures(ids, load)),
            ):
                done.append(await _work_done(cluster, channel.unary_unary(method), requests, load))
    return found.middle()


@dataclass(frozen=True, slots=True)
class _Found:
    authorized: list[Done]
    captured: list[Done]
    echo: list[float]
    psp: list[float]
    rows: list[float]

    def middle(self) -> Asked:
        return Asked(
            authorized=_middle(self.authorized),
            captured=_middle(self.captured),
            echo=round(median(self.echo), 1),
            psp=round(median(self.psp), 1),
            rows=round(median(self.rows), 1),
        )


async def _work_done(cluster: Cluster, call: Call, requests: Iterator[bytes], load: Load) -> Done:
    payments = again = 0

    async def ask(request: bytes) -> None:
        nonlocal payments, again
        payments += load.batch
        again += await times_again(call, request)

    before = await work_of(cluster)
    per_second = await _rate(ask, requests, load)
    work = (await work_of(cluster)).per_order(before, payments)
    return Done(per_second=round(per_second, 1), again=again, work=work)


async def times_again(call: Call, request: bytes) -> int:
    """
    Ask for *request* until it is done, and return how often it had to be asked again.

    Raises:
        CommandFailed: It is refused, or is too much each time.
    """
    for again in range(MOST_ASKS):
        if await is_done(call, request):
            return again
    raise CommandFailed(f"the payment service had no time, {MOST_ASKS} times")


async def is_done(call: Call, request: bytes) -> bool:
    """
    Ask for *request*; return whether it is done, or was too much for now.

    Raises:
        CommandFailed: It is refused.
    """
    try:
        answer = await call(request, timeout=30)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            return False
        raise CommandFailed(f"the payment service fails: {error.details()}") from error
    # All verbs answer with results of the same form.
    refusals = [
        result.error
        for result in pb.AuthorizePaymentsResponse.FromString(answer).results
        if result.HasField("error")
    ]
    for refusal in refusals:
        if refusal.code != grpc.StatusCode.UNAVAILABLE.value[0]:
            raise CommandFailed(f"the payment service says no: {refusal.message}")
    return not refusals


async def _rate(ask: Ask, requests: Iterator[bytes], load: Load) -> float:
    """
    Ask all *requests* and return how many payments a second that were.
    """
    calls = 0
    began = time.perf_counter()

    async def keep_asking() -> None:
        nonlocal calls
        for request in requests:
            await ask(request)
            calls += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(load.in_flight):
            tasks.create_task(keep_asking())
    return calls * load.batch / (time.perf_counter() - began)


async def _rows_like(cluster: Cluster, payment_id: UUID, load: Load) -> str:
    """
    Return a statement that writes the rows of a batch of authorizations like *payment_id*'s.
    """
    connection = await asyncpg.connect(asyncpg_url(cluster.databases["payment"].admin))
    try:
        samples = await samples_of(connection, AUTHORIZED, payment_id)
    finally:
        await connection.close()
    return insert_like(samples, _NEW_PAYMENTS.format(count=load.batch))


async def _rows_a_second(cluster: Cluster, statement: str, load: Load, seconds: float) -> float:
    url = asyncpg_url(cluster.databases["payment"].admin)
    clients = CLIENTS if load.batch == 1 else 2
    return load.batch * await transactions_a_second(
        url, statement, clients=clients, seconds=seconds
    )


def _middle(rounds: Sequence[Done]) -> Done:
    return Done(
        per_second=round(median(each.per_second for each in rounds), 1),
        again=sum(each.again for each in rounds),
        work=median_work([each.work for each in rounds]),
    )
