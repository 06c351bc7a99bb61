import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import event

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.adapters import locations
from services.product.application.locations.update_location import UpdateLocation, update_location
from services.product.application.stock.adjust_stock import (
    AdjustmentReason,
    AdjustStock,
    adjust_stock,
)
from services.product.application.stock.count_stock import CountStock, count_stock
from services.product.application.stock.list_stock_movements import (
    ListStockMovements,
    list_stock_movements,
)
from services.product.application.stock.receive_stock import ReceiveStock, receive_stock
from services.product.application.stock.transfer_stock import TransferStock, transfer_stock
from services.product.domain.location import LocationState
from services.product.domain.values import LocationId
from tests.integration.product.conftest import outcome

LAMP = Sku("LAMP")
MAIN, NORTH = LocationId("main"), LocationId("north")


async def together(*calls):
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(call) for call in calls]
    return [task.result() for task in running]


async def do(replica, verb, *commands):
    return await verb(commands, uow=replica.uow, clock=replica.clock)


def transfer(units, source=MAIN, target=NORTH, request_id=None, sku=LAMP):
    return TransferStock(
        request_id=request_id or uuid4(),
        sku=Sku(sku),
        from_location_id=source,
        to_location_id=target,
        quantity=Quantity(units),
    )


def adjustment(delta, sku=LAMP):
    return AdjustStock(
        request_id=uuid4(),
        sku=Sku(sku),
        location_id=MAIN,
        delta=delta,
        reason=AdjustmentReason.LOST,
        note="behind the shelf",
    )


async def journal(replica, location=None, *, page_size=3, sku=LAMP):
    entries, before = [], None
    while True:
        page, before = await list_stock_movements(
            ListStockMovements(sku=sku, location_id=location, before=before, page_size=page_size),
            uow=replica.uow,
        )
        entries += page
        if before is None:
            return entries


class Statements:
    """
    How many statements a database has been sent; not the begin and the end of transactions.
    """

    def __init__(self, database):
        self.count = 0
        event.listen(database._engine.sync_engine, "before_cursor_execute", self._note)

    def _note(self, *_details):
        self.count += 1


async def test_goods_move_once_and_the_journal_says_where(replica):
    await replica.receive(5)
    await replica.locate("north")
    request_id = uuid4()

    for _ in range(2):
        (done,) = await do(replica, transfer_stock, transfer(2, request_id=request_id))

    assert (done.source.on_hand, done.target.on_hand) == (3, 2)
    kinds = [(e.place.location_id, e.movement.kind) for e in await journal(replica)]
    assert sorted(kinds[:2]) == [("main", "TRANSFERRED_OUT"), ("north", "TRANSFERRED_IN")]
    assert kinds[2:] == [("main", "RECEIVED")]
    assert {e.movement.cause.id for e in await journal(replica, NORTH)} == {request_id}


async def test_a_refused_transfer_may_be_asked_again(replica):
    await replica.receive(1)
    await replica.locate("north")
    request_id = uuid4()

    (refusal,) = await do(replica, transfer_stock, transfer(2, request_id=request_id))
    assert [level.location_id for level in await replica.levels()] == ["main"]
    await replica.receive(1)
    (done,) = await do(replica, transfer_stock, transfer(2, request_id=request_id))

    assert refusal.reason == "STOCK_INSUFFICIENT"
    assert done.target.on_hand == 2


@pytest.mark.parametrize("page_size", [1, 3, 100])
async def test_pages_of_the_journal_hold_each_movement_once_the_latest_first(replica, page_size):
    for location in ["main", "north", "main", "east", "north", "main"]:
        await replica.receive(1, location=location)
    await do(replica, adjust_stock, adjustment(-1))

    entries = await journal(replica, page_size=page_size)

    positions = [entry.position for entry in entries]
    assert positions == sorted(set(positions), reverse=True)
    assert len(entries) == 7
    cause = entries[0].movement.cause
    assert (cause.type, cause.reason, cause.note) == ("ADJUSTMENT", "LOST", "behind the shelf")
    assert len(await journal(replica, MAIN, page_size=page_size)) == 4


async def test_opposite_transfers_at_once_do_not_deadlock(replica, replicas):
    await replica.receive(50)
    await replica.receive(50, location="north")

    answers = await together(
        *(do(replicas[n % 2], transfer_stock, transfer(1)) for n in range(20)),
        *(do(replicas[n % 2], transfer_stock, transfer(1, NORTH, MAIN)) for n in range(20)),
    )

    assert all(answer.source for (answer,) in answers)
    assert [level.on_hand for level in await replica.levels()] == [50, 50]


async def test_of_two_counts_at_once_the_books_end_with_one(replica, replicas):
    await replica.receive(10)

    def count(units):
        command = CountStock(request_id=uuid4(), sku=LAMP, location_id=MAIN, on_hand=units)
        return do(replicas[units % 2], count_stock, command)

    answers = await together(count(7), count(8))

    (level,) = await replica.levels()
    assert level.on_hand in (7, 8)
    assert sum(answer.difference for (answer,) in answers) == level.on_hand - 10


async def test_what_is_lost_is_not_reserved_and_what_is_reserved_not_lost(
    replica, replicas, new_id
):
    await replica.receive(40)

    answers = await together(
        *(replicas[n % 2].reserve((new_id(), {"LAMP": 1})) for n in range(40)),
        *(do(replicas[n % 2], adjust_stock, adjustment(-1)) for n in range(40)),
    )

    (level,) = await replica.levels()
    reserved = [outcome(answer) for (answer,) in answers[:40]]
    assert level.available == 0
    assert level.held + (40 - level.on_hand) == 40
    assert reserved.count("HELD") == level.held


async def test_reservations_come_from_open_locations_by_priority(replica, new_id):
    await replica.locate("near", priority=1)
    await replica.locate("far", priority=2)
    await replica.receive(5, location="anew")
    await do_receive(replica, "far")
    await do_receive(replica, "near")
    close = UpdateLocation(location_id=LocationId("anew"), state=LocationState.CLOSED)
    await update_location(close, uow=replica.uow)

    (reservation,) = await replica.reserve((new_id(), {"LAMP": 1}))

    assert [a.location_id for a in reservation.allocations] == ["near"]


async def do_receive(replica, location):
    command = ReceiveStock(
        request_id=uuid4(), sku=LAMP, location_id=LocationId(location), quantity=Quantity(5)
    )
    await do(replica, receive_stock, command)


async def test_a_batch_takes_as_many_statements_as_a_single_one(replica):
    skus = [f"SKU-{number}" for number in range(40)]
    await replica.locate("north")
    for sku in skus:
        await replica.receive(10, sku=sku)
    sent = []

    for some in (skus[:1], skus):
        statements = Statements(replica.database)
        await do(replica, transfer_stock, *(transfer(1, sku=sku) for sku in some))
        sent.append(statements.count)

    assert sent[0] == sent[1]
    assert sent[0] <= 6


async def test_there_are_as_many_locations_as_can_be_listed_and_no_more(
    replica, replicas, monkeypatch
):
    monkeypatch.setattr(locations, "MOST_LOCATIONS", 5)

    answers = await asyncio.gather(
        *(replicas[n % 2].locate(f"shop-{n}") for n in range(8)), return_exceptions=True
    )
    async with replica.uow() as tx:
        found = await tx.locations.all()

    refused = [answer.reason for answer in answers if isinstance(answer, Exception)]
    assert refused == ["LOCATIONS_FULL"] * 3
    assert len(found) == 5
    assert await replica.locate(found[0].id) == found[0]


async def test_a_location_is_created_by_one_of_many(replicas):
    made = await together(*(replicas[n % 2].locate("east", priority=4) for n in range(10)))

    assert {location.etag for location in made} == {"1"}
