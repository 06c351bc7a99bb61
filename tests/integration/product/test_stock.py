from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from retail.product.v1 import product_events_pb2 as events_pb
from tests.integration.product.conftest import outcome

SUBJECTS = text("SELECT subject, aggregate_version FROM outbox ORDER BY position")


async def test_goods_travel_from_receipt_to_shipment(replica, new_id):
    alice = new_id()

    await replica.receive(5)
    await replica.reserve((alice, {"LAMP": 3}))
    await replica.confirm(alice)
    answer = await replica.consume(alice, {"LAMP": 3})

    (level,) = await replica.levels()
    assert outcome(answer) == "CONSUMED"
    assert (level.on_hand, level.held, level.allocated, level.available) == (2, 0, 0, 2)
    async with replica.database.begin() as tx:
        told = await tx.rows(SUBJECTS)
    assert [(row.subject.rpartition(".")[2], row.aggregate_version) for row in told] == [
        ("StockReceived", 1),
        ("StockReplenished", 2),
        ("StockReserved", 1),
        ("ReservationConfirmed", 2),
        ("StockShipped", 3),
    ]


async def test_an_event_says_what_was_held_where(replica, new_id):
    alice = new_id()
    await replica.receive(2, location="east")
    await replica.receive(2, location="north")

    await replica.reserve((alice, {"LAMP": 3}))

    async with replica.database.begin() as tx:
        (row,) = await tx.rows(
            text("SELECT payload FROM outbox WHERE aggregate_id = :id"), {"id": alice}
        )
    event = events_pb.StockReserved.FromString(row.payload)
    assert event.meta.aggregate_id == event.reservation_id == str(alice)
    assert {(part.location_id, part.quantity) for part in event.goods} == {
        ("east", 2),
        ("north", 1),
    }


async def test_a_reservation_reads_back_as_it_was_answered(replica, new_id):
    alice = new_id()
    await replica.receive(2, location="east")
    await replica.receive(2, location="north")

    (first,) = await replica.reserve((alice, {"LAMP": 3}))
    (again,) = await replica.reserve((alice, {"LAMP": 3}))

    assert again.allocations == first.allocations
    assert (again.state, again.expires_at) == (first.state, first.expires_at)


async def test_a_partial_shipment_reads_back(replica, new_id):
    alice = new_id()
    await replica.receive(5)
    await replica.receive(5, sku="SHADE")
    await replica.reserve((alice, {"LAMP": 3, "SHADE": 1}))
    await replica.confirm(alice)

    first = await replica.consume(alice, {"LAMP": 2})
    again = await replica.consume(alice, {"LAMP": 2})
    other = await replica.consume(alice, {"SHADE": 1})

    assert [(a.sku, a.shipped) for a in again.allocations] == [("LAMP", 2), ("SHADE", 0)]
    assert again.allocations == first.allocations
    assert outcome(other) == "SHIPMENT_MISMATCH"


async def test_a_reduced_reservation_reads_back(replica, new_id):
    alice = new_id()
    await replica.receive(5)
    await replica.receive(5, sku="SHADE")
    await replica.reserve((alice, {"LAMP": 3, "SHADE": 1}))
    await replica.confirm(alice)

    (first,) = await replica.reduce((alice, {"LAMP": 2}))
    (again,) = await replica.reduce((alice, {"LAMP": 2}))
    (repeated,) = await replica.reserve((alice, {"LAMP": 3, "SHADE": 1}))

    assert [(a.sku, a.quantity, a.given_back) for a in again.allocations] == [
        ("LAMP", 2, 1),
        ("SHADE", 0, 1),
    ]
    assert first.allocations == again.allocations == repeated.allocations
    lamp, shade = await replica.levels("LAMP", "SHADE")
    assert (lamp.allocated, shade.allocated) == (2, 0)


async def test_a_refused_reservation_leaves_no_trace(replica, new_id):
    alice = new_id()
    await replica.receive(1)

    (refusal,) = await replica.reserve((alice, {"LAMP": 2}))
    (reservation,) = await replica.reserve((alice, {"LAMP": 1}))

    assert outcome(refusal) == "OUT_OF_STOCK"
    assert outcome(reservation) == "HELD"


async def test_two_equal_ids_in_one_batch_hold_once(replica, new_id):
    alice = new_id()
    await replica.receive(5)

    answers = await replica.reserve((alice, {"LAMP": 3}), (alice, {"LAMP": 3}))

    (level,) = await replica.levels()
    assert [outcome(answer) for answer in answers] == ["HELD", "HELD"]
    assert level.held == 3


async def test_a_tombstone_refuses_the_late_reservation(replica, new_id):
    alice = new_id()
    await replica.receive(5)

    (released,) = await replica.release(alice)
    (refusal,) = await replica.reserve((alice, {"LAMP": 3}))

    assert outcome(released) == "RELEASED"
    assert outcome(refusal) == "RESERVATION_RELEASED"


async def test_an_overdue_hold_gives_its_goods_back_once(replica, clock, new_id):
    alice, bob = new_id(), new_id()
    await replica.receive(5)
    await replica.reserve((alice, {"LAMP": 1}), (bob, {"LAMP": 1}))
    clock.wait(minutes=10)

    (refusal,) = await replica.confirm(alice)
    expired = [await replica.expire(), await replica.expire()]

    (level,) = await replica.levels()
    assert outcome(refusal) == "RESERVATION_EXPIRED"
    assert expired == [1, 0]
    assert level.available == 5


async def test_a_receipt_is_booked_once(replica):
    request_id = uuid4()
    await replica.receive(5, request_id=request_id)

    again = await replica.receive(5, request_id=request_id)
    other = await replica.receive(6, request_id=request_id)

    assert again.on_hand == 5
    assert other.reason == "REQUEST_ID_REUSED"


async def test_a_transaction_that_fails_leaves_nothing(replica):
    await replica.receive(5)

    with pytest.raises(RuntimeError):
        async with replica.uow() as tx:
            (item,) = await tx.stock_items.lock_skus({"LAMP"})
            item.on_hand = 1_000
            await tx.stock_items.save([item])
            raise RuntimeError

    (level,) = await replica.levels()
    assert level.on_hand == 5


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE stock_items SET held = on_hand + 1",
        "UPDATE stock_items SET on_hand = -1",
        "UPDATE stock_items SET damaged = on_hand + 1",
        "UPDATE stock_movements SET delta_on_hand = 0",
        "DELETE FROM stock_movements",
        "TRUNCATE stock_movements",
        "UPDATE reservation_allocations SET shipped = quantity + 1",
        "UPDATE reservation_allocations SET quantity = 0",
        "UPDATE reservation_allocations SET given_back = -1",
        "UPDATE reservations SET state = 'LOST'",
    ],
)
async def test_the_schema_is_the_last_line_of_defence(replica, new_id, change):
    await replica.receive(5)
    await replica.reserve((new_id(), {"LAMP": 3}))

    with pytest.raises(DBAPIError):
        async with replica.database.begin() as tx:
            await tx.run(text(change))


async def test_a_broken_reservation_keeps_no_other_from_expiring(replicas, clock, new_id):
    replica, _ = replicas
    await replica.receive(5)
    await replica.receive(5, sku="SHADE")
    await replica.reserve((new_id(), {"SHADE": 1}), (new_id(), {"LAMP": 1}))
    clock.wait(minutes=10)
    async with replica.database.begin() as tx:
        await tx.run(text("UPDATE stock_items SET held = 0 WHERE sku = 'SHADE'"))

    expired = [await replica.expire(limit=1), await replica.expire()]

    (lamp,) = await replica.levels("LAMP")
    assert expired == [1, 0]
    assert lamp.available == 5
