"""Carts on a real database: kept, priced, sold, forgotten."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.ids import new_id
from services.order.adapters import carts
from services.order.domain.cart import Cart, CartId, CartState
from services.order.domain.order import Order
from services.order.domain.values import AccountId
from tests.integration.counting import counted
from tests.integration.order.carts.conftest import BREAKS, LAMP, WISH
from tests.unit.order.shopper import LIFETIMES, Shopper


async def test_a_cart_comes_back_as_it_was_saved(ada, cart):
    again = (await ada.get(cart)).cart

    assert again.items == cart.items
    assert again.items[LAMP].seen.breaks == BREAKS
    assert (again.account_id, again.state, again.expires_at) == (
        cart.account_id,
        cart.state,
        cart.expires_at,
    )


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


async def test_replicas_share_what_is_to_be_forgotten(replicas, world):
    long_ago = world.now - timedelta(days=365)
    await world.saved(
        *(Cart.open(CartId(new_id()), None, lifetimes=LIFETIMES, now=long_ago) for _ in range(300))
    )

    while any(await asyncio.gather(*(replica.sweep() for replica in replicas))):
        pass

    assert await world.count("carts") == 0


async def test_a_cart_goes_with_its_requests_and_leaves_those_of_others(world, ada, cart):
    bobs = Shopper(world, AccountId("bob"))
    await ada.check_out(ada.checkout(cart, WISH))
    world.now += timedelta(days=40)
    await bobs.add(await bobs.create(), LAMP)

    await world.sweep()

    assert await world.found(cart) is None
    assert await world.count("cart_requests") == 2
    assert isinstance((await ada.check_out(ada.checkout(cart, WISH)))[0], Order)


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
