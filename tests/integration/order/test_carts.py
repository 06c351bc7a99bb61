"""Carts on a real database: raced for, kept, forgotten."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.errors import Conflict
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.kernel.text import Sku
from chassis.saga.store import Bells
from chassis.wake import Wake
from services.order.adapters import carts
from services.order.adapters.unit_of_work import join_with, sql_unit_of_work
from services.order.application.carts.expire_carts import expire_carts
from services.order.application.place_orders import PlaceOrder
from services.order.domain.cart import Cart, CartId, CartMerged, CartState
from services.order.domain.order import Order
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId, Address, Channel
from tests.integration.counting import counted
from tests.unit.order.shopper import LIFETIMES, Shopper

LAMP, BULB = Sku("LAMP"), Sku("BULB")
BREAKS = ((10, Money(9_00, "EUR")), (50, Money(8_00, "EUR")))
WISH = PlaceOrder(
    request_id=UUID(int=10**6),
    fingerprint=b"three lamps",
    account_id=AccountId("ada"),
    channel=Channel.CONSUMER,
    lines=(),
    shipping=None,
    discount=None,
    expected_total=Money(30_00, "EUR"),
    psp_token=PspToken("tok_visa"),
    ship_to=Address(name="Ada", lines=(), city="", postal_code="", country_code="GB"),
    reference="",
)


class Replica:
    """
    The order service without its face: a database, a catalog and a clock of its own.
    """

    def __init__(self, database) -> None:
        self.database = database
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.uow = sql_unit_of_work(
            database, join_with(told=Wake(), due=Bells(), clock=system_clock)
        )
        self.variants = {
            LAMP: SoldVariant(title="Lamp", price=Money(10_00, "EUR"), breaks=BREAKS),
            BULB: SoldVariant(title="Bulb", price=Money(1_00, "EUR")),
        }

    def clock(self) -> datetime:
        return self.now

    async def sold(self, skus):
        return {sku: self.variants[sku] for sku in skus if sku in self.variants}

    async def count(self, table):
        async with self.database.begin() as tx:
            (row,) = await tx.rows(text(f"SELECT count(*) AS all FROM {table}"))
        return row.all

    async def saved(self, *carts):
        async with self.uow() as tx:
            await tx.carts.save(carts)

    async def found(self, cart):
        async with self.uow() as tx:
            return (await tx.carts.find([cart.id])).get(cart.id)

    async def sweep(self):
        return await expire_carts(uow=self.uow, clock=self.clock)


@pytest.fixture
async def replicas(database_of):
    return [Replica(await database_of("order")) for _ in range(2)]


@pytest.fixture
def world(replicas):
    return replicas[0]


@pytest.fixture
def ada(world):
    return Shopper(world, AccountId("ada"))


@pytest.fixture
async def cart(ada):
    """
    Return a cart with three lamps for 30 EUR.
    """
    cart = await ada.create()
    return (await ada.add(cart, LAMP, 3)).cart


def everywhere(replicas, number):
    """
    Return so many shoppers of one account, each at one of *replicas* in turn.
    """
    return [Shopper(replicas[n % len(replicas)], AccountId("ada")) for n in range(number)]


async def test_a_cart_comes_back_as_it_was_saved(ada, cart):
    again = (await ada.get(cart)).cart

    assert again.items == cart.items
    assert again.items[LAMP].seen.breaks == BREAKS
    assert (again.account_id, again.state, again.expires_at) == (
        cart.account_id,
        cart.state,
        cart.expires_at,
    )


async def test_simultaneous_requests_create_one_cart(replicas, world):
    shoppers = everywhere(replicas, 20)

    created = await asyncio.gather(*(s.create(request_id=n) for n, s in enumerate(shoppers)))

    assert len({cart.id for cart in created}) == 1
    assert await world.count("carts") == 1


async def test_the_same_simultaneous_request_of_nobodys_creates_one_cart(replicas, world):
    shoppers = [Shopper(replicas[n % 2]) for n in range(10)]

    created = await asyncio.gather(*(shopper.create(request_id=7) for shopper in shoppers))

    assert len({cart.id for cart in created}) == 1
    assert await world.count("carts") == 1


async def test_simultaneous_changes_all_count(replicas, ada, cart):
    shoppers = everywhere(replicas, 100)

    await asyncio.gather(
        *(s.add(cart, LAMP, request_id=n) for n, s in enumerate(shoppers, start=100))
    )

    assert (await ada.get(cart)).cart.items[LAMP].quantity.units == 103


async def test_the_same_simultaneous_change_counts_once(replicas, ada, cart):
    shoppers = everywhere(replicas, 100)

    await asyncio.gather(*(s.add(cart, LAMP, request_id=100) for s in shoppers))

    assert (await ada.get(cart)).cart.items[LAMP].quantity.units == 4


async def test_changes_without_a_lock_would_get_lost(world, cart):
    # The mistake that the lock is there against: to read, to decide and then to write.
    mine, yours = await world.found(cart), await world.found(cart)
    mine.remove(LAMP)
    await world.saved(mine)

    yours.add(BULB, cart.items[LAMP].quantity, world.variants[BULB])
    with pytest.raises(Conflict):
        await world.saved(yours)


async def test_any_number_of_simultaneous_checkouts_make_one_order(replicas, world, cart):
    shoppers = everywhere(replicas, 100)

    answers = await asyncio.gather(
        *(
            shopper.check_out(shopper.checkout(cart, WISH, request_id=UUID(int=n)))
            for n, shopper in enumerate(shoppers, start=100)
        )
    )

    orders = [order for (order,) in answers]
    assert all(isinstance(order, Order) for order in orders)
    assert len({order.id for order in orders}) == 1
    for table in ("orders", "sagas", "outbox"):
        assert await world.count(table) == 1
    assert (await world.found(cart)).order_id == orders[0].id


async def test_a_checkout_that_dies_at_its_last_line_has_done_nothing(world, ada, cart):
    begin = world.uow

    @asynccontextmanager
    async def dying():
        async with begin() as tx:
            yield tx
            if tx.orders._changed:
                raise ConnectionError("the process died")

    world.uow = dying
    with pytest.raises(ConnectionError):
        await Shopper(world, AccountId("ada")).check_out(ada.checkout(cart, WISH))
    world.uow = begin

    assert await world.count("orders") == 0
    assert (await world.found(cart)).state is CartState.OPEN
    (order,) = await ada.check_out(ada.checkout(cart, WISH))
    assert isinstance(order, Order)


async def test_checkouts_of_many_carts_take_as_many_statements_as_of_one(world):
    shoppers = [Shopper(world, AccountId(f"account-{n}")) for n in range(20)]
    wishes = []
    for shopper in shoppers:
        cart = await shopper.create()
        await shopper.add(cart, LAMP, 3)
        wishes.append(shopper.checkout(cart, WISH))
    one, *others = wishes

    with counted(world.database) as for_one:
        await shoppers[0].check_out(one)
    with counted(world.database) as for_many:
        await shoppers[1].check_out(*others)

    assert len(for_many) == len(for_one)
    assert await world.count("orders") == 20


async def test_additions_to_many_carts_take_as_many_statements_as_to_one(world):
    shoppers = [Shopper(world, AccountId(f"account-{n}")) for n in range(20)]
    adds = [s.add_command(await s.create(), LAMP, 1, request_id=9) for s in shoppers]

    with counted(world.database) as for_one:
        await shoppers[0].add_all(adds[0])
    with counted(world.database) as for_many:
        await shoppers[0].add_all(*adds[1:])

    assert len(for_many) == len(for_one) == 3


async def test_a_look_is_one_statement(world, ada, cart):
    with counted(world.database) as statements:
        await ada.get(cart)

    assert len(statements) == 1


@pytest.mark.usefixtures("cart")
async def test_simultaneous_merges_move_what_is_there_once(replicas, world):
    nobody = Shopper(world)
    anonymous = await nobody.create()
    await nobody.add(anonymous, LAMP, 2)

    answers = await asyncio.gather(
        *(s.merge(anonymous, request_id=n) for n, s in enumerate(everywhere(replicas, 20), 100)),
        return_exceptions=True,
    )

    merged = [answer for answer in answers if isinstance(answer, Cart)]
    assert [cart.items[LAMP].quantity.units for cart in merged] == [5]
    assert all(isinstance(answer, (Cart, CartMerged)) for answer in answers)


async def test_of_two_carts_given_to_an_account_at_once_one_takes_in_the_other(replicas, world):
    nobody = Shopper(world)
    given = [await nobody.create() for _ in range(4)]
    for cart in given:
        await nobody.add(cart, LAMP)

    shoppers = everywhere(replicas, len(given))
    await asyncio.gather(
        *(
            s.merge(cart, request_id=n)
            for n, (s, cart) in enumerate(zip(shoppers, given, strict=True), 100)
        )
    )

    ended = [await world.found(cart) for cart in given]
    (own,) = [cart for cart in ended if cart.state is CartState.OPEN]
    assert own.items[LAMP].quantity.units == 4
    assert {cart.merged_into for cart in ended if cart is not own} == {own.id}


async def test_the_same_simultaneous_merge_is_answered_by_all_the_same(replicas, world, cart):
    anonymous = await Shopper(world).create()

    answers = await asyncio.gather(
        *(s.merge(anonymous, request_id=100) for s in everywhere(replicas, 10))
    )

    assert {answer.id for answer in answers} == {cart.id}


async def test_replicas_share_what_is_to_be_forgotten(replicas, world):
    long_ago = world.now - timedelta(days=365)
    await world.saved(
        *(Cart.open(CartId(new_id()), None, lifetimes=LIFETIMES, now=long_ago) for _ in range(300))
    )

    while any(await asyncio.gather(*(replica.sweep() for replica in replicas))):
        pass

    assert await world.count("carts") == 0


async def test_a_cart_that_somebody_is_at_work_on_does_not_hold_up_the_timer(world, cart):
    world.now += timedelta(days=91)
    other = Cart.open(
        CartId(new_id()), None, lifetimes=LIFETIMES, now=world.now - timedelta(days=20)
    )
    await world.saved(other)

    async with world.uow() as tx:
        await tx.carts.lock([cart.id])
        await world.sweep()

    assert (await world.found(other)).state is CartState.EXPIRED
    assert (await world.found(cart)).state is CartState.OPEN


ONE = {"ids": [UUID(int=1)]}
STATEMENTS = [
    (carts._FIND, ONE),
    (carts._LOCK, ONE),
    (carts._LOCK_WITH_OPEN, {**ONE, "account_id": "ada"}),
    (carts._LOCK_OVERDUE, {"now": datetime(2026, 1, 1, tzinfo=UTC), "limit": 200}),
    (carts._DELETE, ONE),
]


@pytest.mark.parametrize(("statement", "parameters"), STATEMENTS)
async def test_no_statement_looks_at_carts_that_it_is_not_about(world, statement, parameters):
    # While there are hardly any: a plan that is made then stays in use as they grow.
    async with world.database.begin() as tx:
        ((plan,),) = await tx.rows(text(f"EXPLAIN (FORMAT JSON) {statement.text}"), parameters)

    scans = [node for node in nodes_of(plan[0]["Plan"]) if "Scan" in node["Node Type"]]
    assert scans
    assert all("Index Cond" in node or node["Node Type"] == "Bitmap Heap Scan" for node in scans)
    assert not any("Filter" in node for node in scans)


def nodes_of(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes_of(part)
