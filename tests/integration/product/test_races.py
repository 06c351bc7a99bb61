"""What holds when many do the same at once, in two replicas."""

import asyncio
import random
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.product.domain.reservation import Reservation
from tests.integration.product.conftest import outcome

TURNS = text(
    """
    SELECT subject FROM outbox
    WHERE subject ~ 'Stock(Depleted|Replenished)$' ORDER BY position
    """
)
SKUS = ["A", "B", "C", "D", "E"]
VERBS = ["reserve", "reserve", "confirm", "reduce", "release", "consume", "expire"]


async def together(*calls):
    """
    Run *calls* at once, and return what each answered; a deadlock or any other error fails.
    """
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(call) for call in calls]
    return [task.result() for task in running]


async def test_no_unit_is_promised_twice(replica, replicas, new_id):
    await replica.receive(100)

    answers = await together(
        *(replicas[n % 2].reserve((new_id(), {"LAMP": 1})) for n in range(160))
    )

    (level,) = await replica.levels()
    outcomes = [outcome(answer) for (answer,) in answers]
    assert outcomes.count("HELD") == 100
    assert outcomes.count("OUT_OF_STOCK") == 60
    assert (level.held, level.available) == (100, 0)
    # One taker takes the last unit, whoever that is, and only that one tells it.
    async with replica.database.begin() as tx:
        assert [row.subject for row in await tx.rows(TURNS)] == [
            "retail.product.v1.StockReplenished",
            "retail.product.v1.StockDepleted",
        ]


async def test_batches_over_the_same_skus_neither_deadlock_nor_oversell(replica, replicas, new_id):
    chance = random.Random(7)
    for sku in SKUS:
        await replica.receive(30, sku=sku, location="east")
        await replica.receive(30, sku=sku, location="north")

    def a_batch():
        return [
            (new_id(), {sku: chance.randint(1, 3) for sku in chance.sample(SKUS, 3)})
            for _ in range(10)
        ]

    answers = await together(*(replicas[n % 2].reserve(*a_batch()) for n in range(30)))

    outcomes = [outcome(answer) for batch in answers for answer in batch]
    assert {"HELD", "OUT_OF_STOCK"} == set(outcomes)
    promised = sum(
        part.quantity
        for batch in answers
        for answer in batch
        if outcome(answer) == "HELD"
        for part in answer.allocations
    )
    assert promised == sum(item.held for item in await replica.levels(*SKUS))


async def test_the_same_reservations_asked_by_many_at_once_hold_once(replica, replicas, new_id):
    await replica.receive(1_000)
    ids = [new_id() for _ in range(300)]

    def a_batch():
        return [(id_, {"LAMP": 1}) for id_ in random.sample(ids, 300)]

    answers = await together(*(replicas[n % 2].reserve(*a_batch()) for n in range(12)))

    (level,) = await replica.levels()
    assert {outcome(answer) for batch in answers for answer in batch} == {"HELD"}
    assert level.held == 300


async def test_batches_that_claim_the_same_ids_in_other_orders_do_not_deadlock(
    replica, replicas, clock, new_id
):
    await replica.receive(10)
    first, middle, last = new_id(), new_id(), new_id()

    async with asyncio.TaskGroup() as tasks, replica.uow() as tx:
        # Both come to a halt half-way, at the one id that is taken; then it is given up.
        taken = Reservation.begin(middle, expires_at=clock())
        await tx.reservations.claim({middle: taken})
        calls = [
            tasks.create_task(at.reserve(*((id_, {"LAMP": 1}) for id_ in order)))
            for at, order in zip(
                replicas, [(first, middle, last), (last, middle, first)], strict=True
            )
        ]
        await asyncio.sleep(0.3)
        await tx.reservations.forget([taken])

    assert {outcome(answer) for call in calls for answer in call.result()} == {"HELD"}


async def test_of_a_reservation_and_its_release_the_release_wins(replica, replicas, new_id):
    await replica.receive(100)
    ids = [new_id() for _ in range(30)]

    await together(
        *(replicas[0].reserve((id_, {"LAMP": 1})) for id_ in ids),
        *(replicas[1].release(id_) for id_ in ids),
    )

    (level,) = await replica.levels()
    assert level.held == 0


async def test_goods_are_given_back_once_whoever_reduces_and_releases(replica, replicas, new_id):
    await replica.receive(200)
    ids = [new_id() for _ in range(40)]
    await replica.reserve(*((id_, {"LAMP": 5}) for id_ in ids))
    await replica.confirm(*ids[:20])

    await together(
        *(replicas[n % 2].reduce(*((i, {"LAMP": 2 + n % 3}) for i in ids)) for n in range(6)),
        *(replicas[1].release(id_) for id_ in ids[10:30]),
        *(replicas[0].confirm(id_) for id_ in ids[30:]),
    )

    (level,) = await replica.levels()
    assert (level.held, level.allocated, level.available) == (0, 40, 160)


async def test_an_overdue_hold_is_given_back_once_whoever_notices(replica, replicas, clock, new_id):
    await replica.receive(100)
    ids = [new_id() for _ in range(40)]
    await replica.reserve(*((id_, {"LAMP": 1}) for id_ in ids))
    clock.wait(minutes=10)

    await together(
        *(replicas[0].confirm(id_) for id_ in ids[:20]),
        *(replicas[1].release(id_) for id_ in ids[10:30]),
        *(replicas[n % 2].expire(limit=7) for n in range(20)),
    )
    await replica.expire()

    (level,) = await replica.levels()
    assert (level.held, level.allocated, level.available) == (0, 0, 100)


async def test_a_receipt_sent_by_many_at_once_is_booked_once(replica, replicas):
    request_id = uuid4()

    await together(*(replicas[n % 2].receive(5, request_id=request_id) for n in range(20)))

    (level,) = await replica.levels()
    assert level.on_hand == 5


@pytest.mark.parametrize("seed", range(4))
async def test_the_books_balance_whatever_happens_in_whatever_order(
    replica, replicas, clock, new_id, seed
):
    chance = random.Random(seed)
    for sku in SKUS:
        await replica.receive(15, sku=sku, location="east")
        await replica.receive(15, sku=sku, location="main")
    wanted = {
        new_id(): {sku: chance.randint(1, 3) for sku in chance.sample(SKUS, 2)} for _ in range(60)
    }
    ids = list(wanted)

    def anything():
        at, some = replicas[chance.randrange(2)], chance.sample(ids, 6)
        verb = chance.choice(VERBS)
        match verb:
            case "reserve":
                asked = [(id_, wanted[id_]) for id_ in some]
                return [lambda: at.reserve(*asked)] * 2
            case "confirm":
                return [lambda: at.confirm(*some)] * 2
            case "reduce":
                kept = [(id_, {chance.choice(list(wanted[id_])): 1}) for id_ in some[:3]]
                return [lambda: at.reduce(*kept)] * 2
            case "release":
                return [lambda: at.release(*some[:2])] * 2
            case "consume":
                return [lambda: at.consume(some[0], wanted[some[0]])] * 2
            case _:
                return [lambda: at.expire(limit=5)] * 2

    for _ in range(4):
        calls = [call for _ in range(20) for call in anything()]
        chance.shuffle(calls)
        await together(*(call() for call in calls))
        await replica.assert_balanced()
        clock.wait(minutes=chance.choice([1, 6]))
    clock.wait(minutes=11)
    await replica.expire()

    assert all(item.held == 0 for item in await replica.levels(*SKUS))
