"""What is in carts: put in, changed, taken out, forgotten."""

import pytest

from chassis.kernel.money import Money
from chassis.kernel.quantity import QuantityOutOfRange
from chassis.kernel.text import Sku
from chassis.storage.idempotency import RequestIdReused
from services.order.application.carts.expire_carts import BATCH, expire_carts
from services.order.application.carts.ports import CartNotFound
from services.order.application.ports import ProductNotSold
from services.order.domain.cart import (
    KEPT_AFTER_END,
    MOST_ITEMS,
    CartExpired,
    CartFull,
    CartItemNotFound,
    CartState,
)
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId
from tests.unit.order.shopper import LIFETIMES, Shopper

LAMP, BULB = Sku("LAMP"), Sku("BULB")


@pytest.fixture
def ada(world):
    return Shopper(world, AccountId("ada"))


@pytest.fixture
def nobody(world):
    return Shopper(world)


def units_in(cart):
    return {sku: item.quantity.units for sku, item in cart.items.items()}


async def sweep(world):
    return await expire_carts(uow=world.uow, clock=world.clock)


async def test_an_account_has_one_open_cart(ada):
    first = await ada.create()
    await ada.add(first, LAMP)

    second = await ada.create()

    assert second.id == first.id
    assert units_in(second) == {LAMP: 1}


async def test_nobody_gets_a_new_cart_each_time(nobody):
    assert (await nobody.create()).id != (await nobody.create()).id


async def test_creating_a_cart_again_answers_with_the_same_cart(nobody):
    first = await nobody.create(request_id=7)

    assert (await nobody.create(request_id=7)).id == first.id


async def test_creating_a_cart_under_an_id_that_said_something_else_is_refused(nobody):
    await nobody.create(request_id=7, said=b"one")

    with pytest.raises(RequestIdReused):
        await nobody.create(request_id=7, said=b"two")


async def test_more_of_a_sku_adds_up(ada):
    cart = await ada.create()
    await ada.add(cart, LAMP, 2)

    shown = await ada.add(cart, LAMP, 3)

    assert units_in(shown.cart) == {LAMP: 5}
    assert shown.cart.total(shown.sold) == Money(50_00, "EUR")


async def test_the_same_request_adds_once_whenever_it_comes(ada):
    cart = await ada.create()
    command = ada.add_command(cart, LAMP, 2)
    await ada.add_all(command, command, command)

    (later,) = await ada.add_all(command)

    assert units_in(later.cart) == {LAMP: 2}


async def test_a_request_that_was_done_is_answered_though_its_sku_is_sold_no_more(world, ada):
    cart = await ada.create()
    command = ada.add_command(cart, LAMP, 2)
    await ada.add_all(command)
    world.variants.clear()

    (later,) = await ada.add_all(command)

    assert units_in(later.cart) == {LAMP: 2}


async def test_another_request_under_a_used_id_is_refused(ada):
    cart = await ada.create()
    await ada.add(cart, LAMP, 2, request_id=70)

    with pytest.raises(RequestIdReused):
        await ada.add(cart, LAMP, 3, request_id=70)


async def test_each_of_a_batch_is_answered_on_its_own(ada):
    cart = await ada.create()

    sold, unsold, again = await ada.add_all(
        ada.add_command(cart, LAMP, 2, request_id=70),
        ada.add_command(cart, BULB, 1),
        ada.add_command(cart, LAMP, 3, request_id=70),
    )

    assert units_in(sold.cart) == {LAMP: 2}
    assert isinstance(unsold, ProductNotSold)
    assert isinstance(again, RequestIdReused)


async def test_what_was_refused_may_be_asked_again(world, ada):
    cart = await ada.create()
    with pytest.raises(ProductNotSold):
        await ada.add(cart, BULB, request_id=70)
    world.variants[BULB] = SoldVariant(title="Bulb", price=Money(1_00, "EUR"))

    assert units_in((await ada.add(cart, BULB, request_id=70)).cart) == {BULB: 1}


async def test_a_cart_takes_no_more_than_its_fill(world, ada):
    cart = await ada.create()
    world.variants |= {
        Sku(f"S-{n}"): SoldVariant(title="", price=Money(1, "EUR")) for n in range(MOST_ITEMS)
    }
    await ada.add_all(*(ada.add_command(cart, sku, 1) for sku in world.variants if sku != LAMP))

    with pytest.raises(CartFull):
        await ada.add(cart, LAMP)
    with pytest.raises(QuantityOutOfRange):
        await ada.add(cart, Sku("S-1"), 1_000_000)

    assert (await ada.add(cart, Sku("S-1"), 999_999)).cart.items[Sku("S-1")].quantity.units == 10**6


async def test_quantities_are_set_and_items_go(world, ada):
    world.variants[BULB] = SoldVariant(title="Bulb", price=Money(1_00, "EUR"))
    cart = await ada.create()
    await ada.add(cart, LAMP, 2)
    await ada.add(cart, BULB, 3)

    assert units_in((await ada.change(cart, LAMP, 7)).cart) == {LAMP: 7, BULB: 3}
    assert units_in((await ada.change(cart, LAMP, 0)).cart) == {BULB: 3}
    assert units_in((await ada.remove(cart, BULB)).cart) == {}
    assert units_in((await ada.remove(cart, BULB)).cart) == {}
    with pytest.raises(CartItemNotFound):
        await ada.change(cart, LAMP, 1)


async def test_another_accounts_cart_does_not_exist(world, ada, nobody):
    cart = await ada.create()
    bob = Shopper(world, AccountId("bob"))

    for stranger in (bob, nobody):
        with pytest.raises(CartNotFound):
            await stranger.get(cart)
        with pytest.raises(CartNotFound):
            await stranger.add(cart, LAMP)


async def test_whoever_knows_a_cart_of_nobodys_may_use_it(ada, nobody):
    cart = await nobody.create()
    await nobody.add(cart, LAMP)

    assert units_in((await ada.add(cart, LAMP)).cart) == {LAMP: 2}


async def test_a_change_keeps_a_cart_for_longer_and_a_look_does_not(world, ada):
    cart = await ada.create()
    before = cart.expires_at
    assert before > world.now + LIFETIMES.account
    world.later(days=50)

    assert (await ada.get(cart)).cart.expires_at == before
    assert (await ada.add(cart, LAMP)).cart.expires_at > world.now + LIFETIMES.account


async def test_a_cart_of_nobodys_is_forgotten_sooner(world, nobody):
    cart = await nobody.create()

    assert cart.expires_at < world.now + LIFETIMES.account


async def test_a_cart_expires_on_time_without_a_timer(world, ada):
    cart = await ada.create()
    world.later(days=91)

    assert (await ada.get(cart)).cart.state is CartState.EXPIRED
    with pytest.raises(CartExpired):
        await ada.add(cart, LAMP)
    fresh = await ada.create()
    assert fresh.id != cart.id
    assert world.carts[cart.id].state is CartState.EXPIRED


async def test_the_timer_ends_carts_and_deletes_them_in_time(world, ada):
    cart = await ada.create()
    assert not await sweep(world)
    world.later(days=91)
    assert await sweep(world)
    assert world.carts[cart.id].state is CartState.EXPIRED
    assert not await sweep(world)

    world.later(seconds=KEPT_AFTER_END.total_seconds())

    assert await sweep(world)
    assert world.carts == {}


async def test_the_timer_takes_a_batch_at_a_time(world, nobody):
    for _ in range(BATCH + 1):
        await nobody.create()
    world.later(days=15)

    await sweep(world)

    states = [cart.state for cart in world.carts.values()]
    assert (states.count(CartState.EXPIRED), states.count(CartState.OPEN)) == (BATCH, 1)
