"""How many returns a second are settled by the whole suite: restocked, refunded and closed."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chassis.kernel.clock import system_clock
from deploy.local.invariants.evidence import connect
from deploy.local.invoices.invoice_order import InvoiceReturn
from deploy.local.invoices.returning import Returning, returning_goods
from deploy.local.order_bench.cost import Work, median_work, work_of
from deploy.local.order_bench.journeys import Load, Rush
from deploy.local.order_bench.shop import Shop, open_shop, own_cluster
from deploy.local.progress import Tell
from deploy.local.world.latency import Latency, latency_of
from deploy.local.world.outcomes import Followed, listening
from deploy.providers.warehouse import Rules, Warehouse

LOAD = Load(in_flight=400, batch=100)

_LINES = "SELECT order_id, sku FROM order_lines WHERE order_id = ANY($1::uuid[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """
    Attributes:
        per_second: Returns, from the first one's request to the last one's end.
        closed_in: How long each took; all are asked for at once.
        work: For each return.
    """

    returns: int
    closed: int
    per_second: float
    closed_in: Latency
    work: Work


async def measure_settling(returns: int, *, rounds: int, tell: Tell) -> Settled:
    """
    Have so many *returns* in each of *rounds*, of as many orders, settled by a cluster.
    """
    found: list[Settled] = []
    async with own_cluster() as cluster, open_shop(cluster) as shop, counting(shop):
        for number in range(rounds):
            tell(number, "orders to give back")
            orders = await sell(shop, returns)
            tell(number, "returns")
            found.append(await give_back(shop, orders))
    found.sort(key=lambda each: each.per_second)
    middle = found[len(found) // 2]
    return Settled(
        returns=sum(each.returns for each in found),
        closed=sum(each.closed for each in found),
        per_second=middle.per_second,
        closed_in=middle.closed_in,
        work=median_work([each.work for each in found]),
    )


@asynccontextmanager
async def counting(shop: Shop) -> AsyncGenerator[None]:
    """
    Have a warehouse count all that comes back, as sellable, for the length of the block.
    """
    warehouse = Warehouse([Rules()], shop.services, shop.patience, clock=system_clock, seed=1)
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(warehouse.run())
        try:
            yield
        finally:
            working.cancel()


async def sell(shop: Shop, count: int) -> list[Followed]:
    """
    Return *count* orders that were delivered and paid.
    """
    rush = Rush(shop, LOAD)
    async with listening(rush.outcomes, shop.broker):
        await rush.run(count)
    return [order for order in rush.outcomes.followed if order.status == "COMPLETED"]


async def give_back(shop: Shop, orders: list[Followed]) -> Settled:
    """
    Have all goods of *orders* returned.
    """
    returning = Returning(await _returns_of(shop, orders), shop.services, shop.patience)
    async with returning_goods(returning, shop.broker):
        before, began = await work_of(shop.cluster), time.monotonic()
        for order in orders:
            returning.order_ended(order.order_id, order.order_id, order.status)
        await returning.all_ended()
        seconds = time.monotonic() - began
        work = (await work_of(shop.cluster)).per_order(before, len(orders))
    return Settled(
        returns=len(orders),
        closed=returning.states["CLOSED"],
        per_second=round(returning.states["CLOSED"] / seconds, 1),
        closed_in=latency_of([e.seconds for e in returning.followed if e.seconds is not None]),
        work=work,
    )


async def _returns_of(shop: Shop, orders: list[Followed]) -> list[InvoiceReturn]:
    connection = await connect(shop.cluster.databases["order"].admin)
    try:
        rows = await connection.fetch(_LINES, [order.order_id for order in orders])
    finally:
        await connection.close()
    skus = {str(row["order_id"]): row["sku"] for row in rows}
    return [
        InvoiceReturn(
            cancellation="bench",
            invoice=order.order_id,
            account_id=order.account_id,
            units=((skus[order.order_id], 1),),
        )
        for order in orders
    ]
