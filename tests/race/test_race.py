"""
Two replicas, real processes, one of them killed half-way; more than two thousand buyers.

The clean race ends with every unit sold once or still there. Each planted mistake ends otherwise.
"""

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest

from chassis.rpc.client import channel
from deploy.local.databases import asyncpg_url
from deploy.local.processes import running
from deploy.local.product_bench.world import world
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1 import stock_service_pb2 as stock_pb
from retail.product.v1.product_service_pb2_grpc import ProductServiceStub
from retail.product.v1.stock_service_pb2_grpc import StockServiceStub
from tests.race.sale import Sale, hold_sale, until_told

BUYERS, UNITS = 2_200, 100
KILLED_AFTER = 600
SETTLE_SECONDS = 10
WALLS = ("ck_stock_items_not_negative", "ck_stock_items_not_oversold")

# What the books say of one SKU, and what its reservations say.
BOOKS = "SELECT on_hand, held, allocated, damaged FROM stock_items WHERE sku = $1"
PROMISED = """
SELECT coalesce(sum(quantity), 0) FROM reservation_allocations
JOIN reservations ON id = reservation_id WHERE sku = $1 AND state IN ('HELD', 'CONFIRMED')
"""
JOURNAL = """
SELECT sum(delta_on_hand), sum(delta_held), sum(delta_allocated), sum(delta_damaged)
FROM stock_movements WHERE sku = $1
"""


@pytest.fixture(scope="module")
async def servers():
    async with world() as servers:
        yield servers


@pytest.fixture
async def books(servers):
    connection = await asyncpg.connect(asyncpg_url(servers.database.admin))
    yield connection
    await connection.close()


@asynccontextmanager
async def two_replicas(servers, *mistakes):
    processes = [
        replace(
            servers.replica(f"racer-{number}", roles="api,worker"),
            command=(sys.executable, "-m", "tests.race.replica", *mistakes),
        )
        for number in (1, 2)
    ]
    async with running(*processes) as children:
        target = f"ipv4:{','.join(process.address for process in processes)}"
        async with channel(target) as to_both:
            yield to_both, children


async def race(servers, books, *mistakes, seed, buyers=BUYERS):
    """
    Hold a sale, kill a replica in the middle of it, wait until no hold is left; return what is
    wrong.
    """
    sale = Sale(f"HOT-{seed}-{uuid4().hex[:6].upper()}")
    async with two_replicas(servers, *mistakes) as (to_both, children):
        product = ProductServiceStub(to_both)
        await receive(to_both, sale.sku)
        async with looking_for_more_than_there_is(servers, sale.sku, sale.wrongs):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(hold_sale(sale, product, buyers=buyers, seed=seed))
                tasks.create_task(kill_after(sale, children[0]))
            if not sale.wrongs:
                await settled(books)
        return sale, sale.wrongs + await wrong_in_the_end(sale, product, books)


async def receive(to_both, sku):
    location = stock_pb.Location(location_id="main", name="Main")
    await StockServiceStub(to_both).CreateLocation(
        stock_pb.CreateLocationRequest(location=location)
    )
    receipt = pb.Receipt(request_id=str(uuid4()), sku=sku, location_id="main", quantity=UNITS)
    answer = await ProductServiceStub(to_both).ReceiveStock(
        pb.ReceiveStockRequest(receipts=[receipt])
    )
    assert answer.results[0].stock_level.on_hand == UNITS


async def kill_after(sale, child):
    while sale.answers < KILLED_AFTER:
        await asyncio.sleep(0.01)
    child.kill()


@asynccontextmanager
async def looking_for_more_than_there_is(servers, sku, wrongs):
    """
    Look again and again, for the length of the block, whether more is promised than there is.
    """

    async def look():
        promised = 0
        while promised <= UNITS:
            promised = await books.fetchval(PROMISED, sku)
            await asyncio.sleep(0.02)
        wrongs.append(f"{promised} of {UNITS} units were promised at once")

    books = await asyncpg.connect(asyncpg_url(servers.database.admin))
    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])
        # Who could not look has seen nothing, and that proves nothing.
        if not looking.cancelled():
            looking.result()
        await books.close()


async def settled(books):
    """
    Wait until the worker has ended the holds that nobody came back for.
    """
    held = "SELECT count(*) FROM reservations WHERE state = 'HELD' AND expires_at < now()"
    for _ in range(SETTLE_SECONDS * 10):
        if not await books.fetchval(held):
            return
        await asyncio.sleep(0.1)


async def wrong_in_the_end(sale, product, books):
    wrongs = []
    counts = tuple(await books.fetchrow(BOOKS, sale.sku))
    if counts != tuple(await books.fetchrow(JOURNAL, sale.sku)):
        wrongs.append("the journal does not add up to the counts")
    sold = sale.told["CONFIRMED"]
    if counts != (UNITS, 0, sold, 0):
        wrongs.append(f"{sold} units were confirmed, and the books say {counts}")
    if await books.fetchval(PROMISED, sale.sku) != sold:
        wrongs.append("others are promised than were confirmed")
    # What is left can be had to the last unit, and not one more.
    for units, expected in ((UNITS - sold + 1, False), (UNITS - sold, True)):
        if units > 0 and expected is not await can_be_had(sale, product, units):
            wrongs.append(f"{units} units {'cannot' if expected else 'can'} be had in the end")
    return wrongs


async def can_be_had(sale, product, units):
    wish = pb.ReservationRequest(
        reservation_id=str(uuid4()), lines=[pb.ReservationLine(sku=sale.sku, quantity=units)]
    )
    request = pb.ReserveStockRequest(reservations=[wish])
    return not isinstance(await until_told(sale, product.ReserveStock, request), str)


async def test_two_thousand_buyers_get_no_more_than_a_hundred_units_and_no_unit_is_lost(
    servers, books
):
    sale, wrongs = await race(servers, books, seed=1)

    assert wrongs == []
    assert sum(sale.told.values()) >= BUYERS
    # It was a race: everything happened.
    assert sale.told.keys() >= {"CONFIRMED", "RELEASED", "OUT_OF_STOCK", "RESERVATION_EXPIRED"}


async def test_the_race_catches_a_row_count_that_nobody_checks(servers, books):
    _, wrongs = await race(servers, books, "rows_unchecked", seed=2)

    assert any("promised at once" in wrong for wrong in wrongs)


async def test_the_race_catches_a_check_before_the_lock(servers, books):
    # The database would refuse it: without its last wall, it shows.
    for wall in WALLS:
        await books.execute(f"ALTER TABLE stock_items DROP CONSTRAINT {wall}")

    _, wrongs = await race(servers, books, "checked_before_the_lock", seed=3)

    assert any("promised at once" in wrong for wrong in wrongs)


async def test_the_race_catches_a_confirmation_after_the_hold_has_ended(servers, books):
    _, wrongs = await race(servers, books, "confirmed_after_expiry", seed=4)

    assert any("confirmed after its hold had ended" in wrong for wrong in wrongs)
