"""Placing on a real database: once whoever repeats, and within limits whoever races."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.saga.store import Bells
from chassis.storage.database import connect
from chassis.storage.idempotency import forget_requests
from chassis.wake import Wake
from services.order.adapters.accounts import SqlAccounts
from services.order.adapters.unit_of_work import join_with, sql_unit_of_work
from services.order.application.place_orders import (
    PlaceOrder,
    WantedLine,
    order_from,
    place,
    place_orders,
)
from services.order.application.ports import SoldVariant
from services.order.domain.account_limits import AccountLimitReached, AccountLimits, OpenOrders
from services.order.domain.order import Order
from services.order.domain.values import AccountId, Address, Channel, OrderCharge
from tests.integration.counting import counted

SHOP = AccountId("shop-1")
LAMP = Sku("LAMP")


class Shelf:
    async def sold(self, skus):
        return {sku: SoldVariant(title="Lamp", price=Money(10_00, "EUR")) for sku in skus}


class Replica:
    """
    One process of the order service, as far as placing goes.
    """

    def __init__(self, database, **limits):
        self.database = database
        channels = {Channel.BUSINESS: AccountLimits(**limits)}
        join = join_with(told=Wake(), due=Bells(), clock=system_clock, channels=channels)
        self.uow = sql_unit_of_work(database, join)

    async def place(self, *commands):
        return await place_orders(commands, uow=self.uow, catalog=Shelf(), clock=system_clock)


@pytest.fixture
async def databases(database_of, migrated):
    """
    The same database twice, with connections of their own.
    """
    other = connect((await migrated("order")).app, application="second")
    yield [await database_of("order"), other]
    await other.close()


@pytest.fixture
def replicas(databases):
    return [Replica(database) for database in databases]


def a_command(number=1, **changes) -> PlaceOrder:
    sound = {
        "request_id": UUID(int=number),
        "fingerprint": b"one lamp",
        "account_id": SHOP,
        "channel": Channel.BUSINESS,
        "lines": (WantedLine(sku=LAMP, quantity=Quantity(1)),),
        "shipping": None,
        "discount": None,
        "expected_total": None,
        "psp_token": PspToken("tok_visa"),
        "ship_to": Address(name="Ada", lines=(), city="", postal_code="", country_code="GB"),
        "reference": "",
    }
    return PlaceOrder(**(sound | changes))


async def count(database, table):
    async with database.begin() as tx:
        (row,) = await tx.rows(text(f"SELECT count(*) AS n FROM {table}"))
    return row.n


async def test_what_shipping_is_made_of_is_kept(replicas):
    charge = OrderCharge(title="express", amount=Money(5_00, "EUR"))
    (order,) = await replicas[0].place(a_command(shipping_lines=(charge,)))

    async with replicas[1].uow() as tx:
        again = (await tx.orders.find([order.id]))[order.id]

    assert again.shipping_lines == (charge,)
    assert again.discount_lines == ()


async def test_a_hundred_replays_at_once_over_two_replicas_place_one_order(replicas):
    answers = await asyncio.gather(
        *(replicas[number % 2].place(a_command(), a_command()) for number in range(100))
    )

    assert len({order.id for batch in answers for order in batch}) == 1
    for table in ("orders", "order_lines", "sagas", "outbox", "idempotency"):
        assert await count(replicas[0].database, table) == 1


async def test_batches_that_repeat_each_other_in_any_order_place_each_order_once(replicas):
    forth = [a_command(number) for number in range(1, 41)]
    batches = [forth + forth[:10], [*reversed(forth)], forth[20:] + forth[:20]] * 4

    answers = await asyncio.gather(
        *(replicas[number % 2].place(*batch) for number, batch in enumerate(batches))
    )

    placed = {}
    for batch, answer in zip(batches, answers, strict=True):
        for command, order in zip(batch, answer, strict=True):
            assert placed.setdefault(command.request_id, order.id) == order.id
    assert len(set(placed.values())) == await count(replicas[0].database, "orders") == 40


async def test_five_hundred_orders_take_as_many_statements_as_one(replicas):
    numbers = []
    for first, size in ((1, 1), (1_000, 500)):
        with counted(replicas[0].database) as statements:
            answers = await replicas[0].place(*(a_command(first + n) for n in range(size)))
        assert all(isinstance(answer, Order) for answer in answers)
        numbers.append(len(statements))

    assert numbers[0] == numbers[1]


async def test_an_account_without_limits_costs_one_statement_a_batch(replicas):
    with counted(replicas[0].database) as statements:
        await replicas[0].place(a_command(1), a_command(2, account_id=AccountId("shop-2")))

    assert len([each for each in statements if "account_limits" in each]) == 1
    assert not [each for each in statements if "advisory" in each]


@pytest.fixture
def limited(databases):
    return [Replica(database, open_orders=10) for database in databases]


async def race(replicas):
    """
    Let both replicas place thirty orders of one account, by one and in batches.
    """
    commands = [a_command(number) for number in range(1, 31)]
    batches = [commands[n : n + 1] for n in range(20)] + [commands[20:25], commands[25:]]
    answers = await asyncio.gather(
        *(replicas[number % 2].place(*batch) for number, batch in enumerate(batches))
    )
    return Counter(type(answer) for batch in answers for answer in batch)


async def test_two_replicas_together_place_no_more_than_an_account_may_have(limited):
    assert await race(limited) == {Order: 10, AccountLimitReached: 20}
    assert await count(limited[0].database, "orders") == 10
    # Nothing is left of what was refused: it may be asked again.
    assert await count(limited[0].database, "idempotency") == 10


class MetHalfway(SqlAccounts):
    """
    The mistake: nobody is kept from counting what somebody else is adding to.
    """

    both = asyncio.Barrier(2)

    async def lock(self, account_ids):  # noqa: ARG002
        await self.both.wait()


async def test_without_the_lock_they_place_more(databases):
    replicas = [Replica(database, open_orders=1) for database in databases]
    for replica in replicas:
        replica.uow = with_accounts(replica.uow, MetHalfway)

    answers = await asyncio.gather(
        *(replica.place(a_command(number)) for number, replica in enumerate(replicas))
    )

    assert [type(answer) for (answer,) in answers] == [Order, Order]


def with_accounts(uow, kind):
    @asynccontextmanager
    async def begin():
        async with uow() as tx:
            tx.accounts = kind(tx.accounts._tx, tx.accounts._channels)
            yield tx

    return begin


async def test_values_are_summed_by_currency_over_all_months(replicas):
    await replicas[0].place(a_command(1), a_command(2))
    pounds = WantedLine(sku=LAMP, quantity=Quantity(1), agreed_unit_price=Money(7_00, "GBP"))
    await replicas[0].place(a_command(3, lines=(pounds,)))

    async with replicas[0].uow() as tx:
        used = await tx.accounts.under_way({SHOP: None, AccountId("nobody"): None})
        few = await tx.accounts.under_way({SHOP: 2})

    assert used[SHOP] == OpenOrders(count=3, values={"EUR": 20_00, "GBP": 7_00})
    assert used[AccountId("nobody")] == OpenOrders()
    assert few[SHOP].count == 2


async def test_limits_come_back_as_they_were_put(replicas):
    limits = AccountLimits(open_orders=3, open_values=(Money(5_00, "EUR"), Money(600, "JPY")))
    for _ in range(2):
        async with replicas[0].uow() as tx:
            await tx.accounts.put_limits(SHOP, limits, now=system_clock())

    async with replicas[1].uow() as tx:
        assert await tx.accounts.own_limits([SHOP, AccountId("nobody")]) == {SHOP: limits}
        await tx.accounts.delete_limits(SHOP)
    async with replicas[1].uow() as tx:
        assert await tx.accounts.own_limits([SHOP]) == {}


async def test_who_waits_for_an_account_counts_what_was_placed_meanwhile(databases):
    first, second = (Replica(database, open_orders=1) for database in databases)
    order = order_from(a_command(1), await Shelf().sold([LAMP]), system_clock())
    async with first.uow() as tx:
        await place([a_command(1)], {0: order}, tx, system_clock())
        others = asyncio.gather(second.place(a_command(2)), second.place(a_command(1)))
        await somebody_waits(first.database)
        assert not others.done()

    (refused,), (again,) = await others
    assert isinstance(refused, AccountLimitReached)
    assert again.id == order.id


async def somebody_waits(database):
    waits = text("SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with asyncio.timeout(10):
        while True:
            async with database.begin() as tx:
                (row,) = await tx.rows(waits)
            if row.n:
                return
            await asyncio.sleep(0.01)


async def test_requests_of_long_ago_are_forgotten_in_portions_and_young_ones_are_not(replicas):
    database = replicas[0].database
    await replicas[0].place(*(a_command(number) for number in range(1, 8)))
    async with database.begin() as tx:
        await tx.run(
            text(
                "UPDATE idempotency SET created_at = created_at - interval '31 days'"
                " WHERE request_id <> :young"
            ),
            {"young": UUID(int=7)},
        )
    before = datetime.now(UTC) - timedelta(days=30)

    async def forget(database):
        async with database.begin() as tx:
            return await forget_requests(tx, before=before, limit=4)

    assert sum(await asyncio.gather(*(forget(r.database) for r in replicas))) == 6
    assert await forget(database) == 0
    assert await count(database, "idempotency") == 1
