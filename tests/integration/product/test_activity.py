import asyncio
import os
import signal
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.wake import Wake
from deploy.local.ports import Ports
from deploy.local.processes import running
from deploy.local.valkey import url_of, valkey_process
from services.product.adapters.activity import Batch, keep_batch
from services.product.adapters.counters import MOST_GATHERED, Counters
from services.product.adapters.shared_counts import PIECE
from services.product.adapters.unit_of_work import sql_unit_of_work
from services.product.application.products.create_product import CreateProduct, create_product
from services.product.application.reservations.confirm_reservations import (
    ConfirmReservation,
    confirm_reservations,
)
from services.product.domain.product_content import ProductContent
from services.product.domain.values import ProductId
from services.product.domain.variant import Variant

TODAY = date(2026, 1, 5)


@pytest.fixture
async def valkey_server(tmp_path):
    process = valkey_process(tmp_path, port=Ports({}).take(), log=tmp_path / "valkey.log")
    async with running(process) as (child,):
        yield url_of(process), child.pid


@pytest.fixture
async def lamp(replica):
    """
    A product with the SKU LAMP.
    """
    command = CreateProduct(
        request_id=uuid4(),
        content=ProductContent(
            title="Lamp",
            description="",
            variants=(Variant(sku=Sku("LAMP"), price=Money(500, "GBP")),),
        ),
    )
    return (await create_product(command, uow=replica.uow, clock=replica.clock)).id


@pytest.fixture
async def counting(replica):
    """
    Return how to make counters; in the end they are closed.
    """
    made = []

    def make(url="", **more):
        made.append(Counters(replica.database, url=url, **more))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def activity(replica, product_id, day=TODAY):
    async with replica.uow() as tx:
        (found,) = await tx.activity.of([product_id], day=day)
    return found.views_today, found.views, found.sold_today, found.sold


async def test_views_of_all_replicas_reach_the_database(replica, lamp, counting, valkey_server):
    one, two = counting(valkey_server[0]), counting(valkey_server[0])
    one.viewed(lamp, 3, day=TODAY)
    one.viewed(lamp, 4, day=TODAY - timedelta(days=1))
    two.viewed(lamp, 5, day=TODAY)
    await one.flush()
    await two.flush()
    assert await activity(replica, lamp) == (0, 0, 0, 0)

    await one.drain()

    assert await activity(replica, lamp) == (8, 12, 0, 0)


async def test_without_a_cache_server_they_go_straight_to_the_database(replica, lamp, counting):
    counts = counting()
    counts.viewed(lamp, 3, day=TODAY)

    await counts.flush()

    assert await activity(replica, lamp) == (3, 3, 0, 0)


async def test_units_are_sold_when_a_hold_is_confirmed_and_once(replica, lamp, counting, new_id):
    counts = counting()
    uow = sql_unit_of_work(replica.database, told=Wake(), clock=replica.clock, counts=counts)
    await replica.receive(10)
    order = new_id()
    await replica.reserve((order, {"LAMP": 4}))

    for _ in range(2):
        await confirm_reservations(
            [ConfirmReservation(reservation_id=order)], uow=uow, clock=replica.clock
        )
    await counts.flush()

    assert await activity(replica, lamp) == (0, 0, 4, 4)


async def test_units_of_a_transaction_that_fails_are_not_sold(replica, lamp, counting):
    counts = counting()
    uow = sql_unit_of_work(replica.database, told=Wake(), clock=replica.clock, counts=counts)

    with pytest.raises(ZeroDivisionError):
        async with uow() as tx:
            tx.activity.count_sold({Sku("LAMP"): 4}, day=TODAY)
            raise ZeroDivisionError
    await counts.flush()

    assert await activity(replica, lamp) == (0, 0, 0, 0)


async def test_a_batch_that_is_written_again_counts_once(replica, lamp):
    batch = Batch(views={(TODAY, lamp): 3}, sold={(TODAY, "LAMP"): 2})

    await asyncio.gather(*(keep_batch(replica.database, batch) for _ in range(3)))

    assert await activity(replica, lamp) == (3, 3, 2, 2)


async def test_were_it_another_batch_it_would_count_again(replica, lamp):
    for _ in range(2):
        await keep_batch(replica.database, Batch(views={(TODAY, lamp): 3}, sold={}))

    assert await activity(replica, lamp) == (6, 6, 0, 0)


async def test_what_a_worker_left_behind_is_finished_once_by_the_next(
    replica, lamp, counting, valkey_server
):
    one, two = counting(valkey_server[0]), counting(valkey_server[0])
    one.viewed(lamp, 3, day=TODAY)
    await one.flush()
    # It dies between writing and finishing.
    await keep_batch(replica.database, await one._shared.take())
    two.viewed(lamp, 5, day=TODAY)
    await two.flush()

    await asyncio.gather(one.drain(), two.drain())

    assert await activity(replica, lamp) == (8, 8, 0, 0)


async def test_an_addition_that_is_sent_again_counts_once(replica, lamp, counting, valkey_server):
    counts = counting(valkey_server[0])
    batch = Batch(views={(TODAY, lamp): 3}, sold={})

    for _ in range(3):
        await counts._shared.add(batch)
    await counts.drain()

    assert await activity(replica, lamp) == (3, 3, 0, 0)


async def test_many_counts_travel_in_pieces_each_of_which_counts_once(counting, valkey_server):
    shared = counting(valkey_server[0])._shared
    batch = Batch(
        views={(TODAY, UUID(int=number)): number + 1 for number in range(2 * PIECE)},
        sold={(TODAY, f"LAMP-{number}"): number + 1 for number in range(PIECE // 2)},
    )

    for _ in range(2):
        await shared.add(batch)

    async with Redis.from_url(valkey_server[0]) as redis:
        assert len(await redis.keys("*:added:*")) == 3
    taken = await shared.take()
    assert (taken.views, taken.sold) == (batch.views, batch.sold)
    assert await shared.take() == taken
    await shared.finish(taken)
    assert await shared.take() is None


async def test_a_batch_that_gives_way_to_another_while_it_is_read_is_not_taken_for_it(
    replica, lamp, counting, valkey_server
):
    one, two = counting(valkey_server[0]), counting(valkey_server[0])
    one.viewed(lamp, 3, day=TODAY)
    await one.flush()
    scan = one._shared._redis.hscan_iter

    async def scan_late(*names, **options):
        one._shared._redis.hscan_iter = scan
        await one._shared._redis.flushall()
        two.viewed(lamp, 5, day=TODAY)
        await two.flush()
        assert (await two._shared.take()).views == {(TODAY, lamp): 5}
        async for found in scan(*names, **options):
            yield found

    one._shared._redis.hscan_iter = scan_late

    await one.drain()
    await two.drain()

    assert await activity(replica, lamp) == (5, 5, 0, 0)


async def test_unknown_products_are_dropped(replica, lamp, counting):
    counts = counting()
    for number in range(1_000):
        counts.viewed(ProductId(UUID(int=number)), 1, day=TODAY)
    counts.sold(Sku("NONE"), 1, day=TODAY)
    counts.viewed(lamp, 1, day=TODAY)

    await counts.flush()

    async with replica.database.begin() as tx:
        ((kept,),) = await tx.rows(text("SELECT count(*) FROM product_activity"))
    assert kept == 1


async def test_a_flood_of_made_up_ids_stays_within_bounds(replica, lamp, counting, valkey_server):
    counts = counting(valkey_server[0])
    counts.viewed(lamp, 1, day=TODAY)
    for number in range(2 * MOST_GATHERED):
        counts.viewed(ProductId(UUID(int=number)), 1, day=TODAY)
    counts.viewed(lamp, 1, day=TODAY)

    assert len(counts._views) == MOST_GATHERED
    await counts.flush()
    await counts.drain()

    assert await activity(replica, lamp) == (2, 2, 0, 0)


async def test_a_cache_server_that_runs_full_makes_room_for_entries_not_of_counts(
    replica, lamp, counting, valkey_server
):
    counts = counting(valkey_server[0])
    counts.viewed(lamp, 1, day=TODAY)
    await counts.flush()
    async with Redis.from_url(valkey_server[0]) as redis:
        await redis.config_set("maxmemory", "4mb")
        for number in range(10_000):
            await redis.set(f"waybill:product:{number}", b"x" * 1_000, px=300_000)
        assert await redis.dbsize() < 5_000

    await counts.drain()

    assert await activity(replica, lamp) == (1, 1, 0, 0)


async def test_while_the_cache_server_is_frozen_counts_go_past_it_and_none_twice(
    replica, lamp, counting, valkey_server
):
    counts = counting(valkey_server[0], patience_seconds=0)
    counts.viewed(lamp, 1, day=TODAY)
    await counts.flush()
    os.kill(valkey_server[1], signal.SIGSTOP)
    try:
        # Sent, and not answered: it may have been counted.
        counts.viewed(lamp, 10, day=TODAY)
        await counts.flush()
        counts.viewed(lamp, 100, day=TODAY)
        await counts.flush()
        assert await activity(replica, lamp) == (100, 100, 0, 0)
    finally:
        os.kill(valkey_server[1], signal.SIGCONT)

    await counts.flush()
    await counts.drain()

    assert await activity(replica, lamp) == (111, 111, 0, 0)


async def test_what_was_gathered_is_kept_at_the_end(replica, lamp, valkey_server):
    counts = Counters(replica.database, url=valkey_server[0])
    counts.viewed(lamp, 3, day=TODAY)

    await counts.close()

    assert await activity(replica, lamp) == (3, 3, 0, 0)


async def test_at_the_end_without_its_cache_server_it_goes_to_the_database(replica, lamp):
    url = f"redis://127.0.0.1:{Ports({}).take()}/0"
    counts = Counters(replica.database, url=url)
    counts.viewed(lamp, 3, day=TODAY)

    await counts.close()

    assert await activity(replica, lamp) == (3, 3, 0, 0)
