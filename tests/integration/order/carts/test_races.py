"""Carts that many want something of at once, at two replicas."""

import asyncio
from uuid import UUID

import pytest

from chassis.kernel.errors import Conflict
from services.order.domain.cart import Cart, CartMerged, CartState
from services.order.domain.order import Order
from tests.integration.order.carts.conftest import BULB, LAMP, WISH, everywhere
from tests.unit.order.shopper import Shopper


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
