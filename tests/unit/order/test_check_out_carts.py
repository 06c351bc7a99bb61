"""A cart becomes an order, once."""

from uuid import UUID

import pytest

from chassis.kernel.errors import Conflict
from chassis.kernel.money import CurrencyMismatch, Money
from chassis.kernel.text import Sku
from chassis.storage.idempotency import RequestIdReused
from services.order.application.carts.ports import CartNotFound
from services.order.application.place_orders import ExpectedTotalMissing, TotalChanged
from services.order.application.ports import OrderNotFound, ProductNotSold
from services.order.domain.cart import (
    CartAnonymous,
    CartCheckedOut,
    CartEmpty,
    CartExpired,
    CartFull,
    CartMerged,
    CartState,
)
from services.order.domain.order import DiscountTooHigh, Order
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId, Channel
from tests.unit.order.shopper import Shopper, only

LAMP = Sku("LAMP")
TOTAL = Money(30_00, "EUR")


@pytest.fixture
def ada(world):
    return Shopper(world, AccountId("ada"))


@pytest.fixture
async def cart(ada):
    """
    Return a cart with three lamps for 30 EUR.
    """
    cart = await ada.create()
    await ada.add(cart, LAMP, 3)
    return cart


@pytest.fixture
def wish(ada, cart, a_command):
    def wish(request_id=1, shopper=ada, of=cart, **changes):
        basics = {"request_id": UUID(int=request_id), "expected_total": TOTAL}
        return shopper.checkout(of, a_command(), **{**basics, **changes})

    return wish


async def test_a_cart_becomes_an_order_that_begins_its_saga(world, ada, cart, wish):
    order = only(await ada.check_out(wish()))

    assert order.grand_total == TOTAL
    assert (order.channel, order.account_id) == (Channel.CONSUMER, "ada")
    assert world.sagas == {order.id: ("reserve_stock", world.now)}
    kept = world.carts[cart.id]
    assert (kept.state, kept.order_id) == (CartState.CHECKED_OUT, order.id)
    with pytest.raises(CartCheckedOut):
        await ada.add(cart, LAMP)
    assert (await ada.create()).id != cart.id


async def test_any_number_of_checkouts_make_one_order(world, ada, wish):
    commands = [wish(request_id=n) for n in (1, 2, 2, 3)]
    orders = [*await ada.check_out(*commands), *await ada.check_out(wish(), wish(request_id=4))]

    assert {order.id for order in orders} == set(world.orders)
    assert len(world.orders) == 1


async def test_a_checkout_is_answered_when_its_cart_is_gone(world, ada, wish):
    order = only(await ada.check_out(wish()))
    world.carts.clear()

    again, other = await ada.check_out(wish(), wish(request_id=2))

    assert again.id == order.id
    assert isinstance(other, CartNotFound)


async def test_a_checkout_whose_order_was_put_away_is_not_done_again(world, ada, wish):
    await ada.check_out(wish())
    world.orders.clear()

    answers = await ada.check_out(wish(), wish(request_id=2))

    assert [type(answer) for answer in answers] == [OrderNotFound, OrderNotFound]
    assert world.orders == {}


async def test_another_checkout_under_a_used_id_is_refused(ada, wish):
    await ada.check_out(wish())

    (refusal,) = await ada.check_out(wish(fingerprint=b"another address"))

    assert isinstance(refusal, RequestIdReused)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"expected_total": Money(29_00, "EUR")}, TotalChanged),
        ({"expected_total": None}, ExpectedTotalMissing),
        ({"shipping": Money(5_00, "EUR")}, TotalChanged),
    ],
)
async def test_what_is_refused_leaves_the_cart_open(world, ada, cart, wish, changes, refusal):
    (answer,) = await ada.check_out(wish(**changes))

    assert isinstance(answer, refusal)
    assert world.carts[cart.id].state is CartState.OPEN
    assert world.orders == {}
    assert isinstance(only(await ada.check_out(wish())), Order)


async def test_a_discount_that_is_too_high_is_refused_by_its_field(ada, wish):
    (refusal,) = await ada.check_out(wish(discount=Money(31_00, "EUR")))

    assert isinstance(refusal, DiscountTooHigh)
    assert refusal.field == "discount_lines"


async def test_what_is_wrong_with_the_goods_is_refused_as_the_carts(world, ada, cart, wish):
    world.variants[Sku("DESK")] = SoldVariant(title="Desk", price=Money(50_00, "GBP"))
    await ada.add(cart, Sku("DESK"))

    (refusal,) = await ada.check_out(wish())

    assert isinstance(refusal, CurrencyMismatch)
    assert refusal.field == "cart_id"


async def test_what_is_not_sold_any_more_must_be_taken_out(world, ada, cart, wish):
    world.variants.clear()

    (refusal,) = await ada.check_out(wish())

    assert isinstance(refusal, ProductNotSold)
    assert "LAMP" in str(refusal)
    await ada.remove(cart, LAMP)
    assert isinstance((await ada.check_out(wish()))[0], CartEmpty)


async def test_a_cart_of_nobodys_must_be_merged_first(world, ada, wish):
    anonymous = await Shopper(world).create()
    await ada.add(anonymous, LAMP, 3)

    (refusal,) = await ada.check_out(wish(of=anonymous))

    assert isinstance(refusal, CartAnonymous)


async def test_another_accounts_cart_is_not_there_to_be_bought(world, wish):
    bob = Shopper(world, AccountId("bob"))

    (refusal,) = await bob.check_out(wish(shopper=bob))

    assert isinstance(refusal, CartNotFound)


async def test_an_order_is_told_to_the_cart_of_its_account_only(world, ada, wish):
    await ada.check_out(wish())
    bob = Shopper(world, AccountId("bob"))

    (refusal,) = await bob.check_out(wish(shopper=bob, request_id=2))

    assert isinstance(refusal, CartNotFound)


async def test_an_expired_cart_is_not_sold(world, ada, wish):
    world.later(days=91)

    (refusal,) = await ada.check_out(wish())

    assert isinstance(refusal, CartExpired)


async def test_a_cart_that_changes_while_it_is_priced_is_priced_again(world, ada, cart, wish):
    command, sold = wish(), world.sold

    async def sold_slowly(skus):
        world.sold = sold
        await ada.add(cart, LAMP)
        return await sold(skus)

    world.sold = sold_slowly

    (answer,) = await ada.check_out(command)

    assert isinstance(answer, TotalChanged)
    assert "40.00 EUR" in str(answer)


async def test_a_cart_that_changes_without_a_pause_is_a_conflict(world, ada, cart, wish):
    command, sold = wish(), world.sold

    async def sold_slowly(skus):
        world.sold = sold
        await ada.change(cart, LAMP, 3)
        world.sold = sold_slowly
        return await sold(skus)

    world.sold = sold_slowly

    (answer,) = await ada.check_out(command)

    assert isinstance(answer, Conflict)
    assert world.orders == {}


class TestMerging:
    async def test_the_cart_of_nobodys_becomes_the_accounts(self, world, ada):
        nobody = Shopper(world)
        anonymous = await nobody.create()
        await nobody.add(anonymous, LAMP, 2)

        merged = await ada.merge(anonymous)

        assert merged.id == anonymous.id
        assert (await ada.create()).id == anonymous.id
        with pytest.raises(CartNotFound):
            await nobody.get(anonymous)

    async def test_quantities_add_up_to_the_most_there_may_be(self, world, ada, cart):
        world.variants[Sku("BULB")] = SoldVariant(title="Bulb", price=Money(1_00, "EUR"))
        nobody = Shopper(world)
        anonymous = await nobody.create()
        await nobody.add(anonymous, Sku("BULB"), 4)
        await nobody.add(anonymous, LAMP, 999_999)

        merged = await ada.merge(anonymous)

        assert merged.id == cart.id
        units = {sku: item.quantity.units for sku, item in merged.items.items()}
        assert units == {LAMP: 1_000_000, "BULB": 4}
        ended = world.carts[anonymous.id]
        assert (ended.state, ended.merged_into, ended.items) == (CartState.MERGED, cart.id, {})
        with pytest.raises(CartMerged):
            await nobody.add(anonymous, LAMP)

    async def test_the_same_merge_again_changes_nothing(self, world, ada, cart):
        nobody = Shopper(world)
        anonymous = await nobody.create()
        await nobody.add(anonymous, LAMP, 2)

        for _ in range(2):
            merged = await ada.merge(anonymous, request_id=70)

        assert merged.id == cart.id
        assert merged.items[LAMP].quantity.units == 5
        with pytest.raises(CartMerged):
            await ada.merge(anonymous)
        with pytest.raises(RequestIdReused):
            await ada.merge(anonymous, request_id=70, said=b"another cart")

    async def test_the_accounts_own_cart_stays_so(self, ada, cart):
        assert (await ada.merge(cart)).id == cart.id

    async def test_a_cart_whose_time_is_over_makes_room(self, world, ada, cart):
        world.later(days=91)
        anonymous = await Shopper(world).create()

        assert (await ada.merge(anonymous)).id == anonymous.id
        assert world.carts[cart.id].state is CartState.EXPIRED

    async def test_two_carts_that_are_too_much_for_one_stay_as_they_are(self, world, ada, cart):
        nobody = Shopper(world)
        anonymous = await nobody.create()
        skus = [Sku(f"S-{number}") for number in range(200)]
        world.variants |= {sku: SoldVariant(title="", price=TOTAL) for sku in skus}
        await nobody.add_all(*(nobody.add_command(anonymous, sku, 1) for sku in skus))

        with pytest.raises(CartFull):
            await ada.merge(anonymous)

        assert len(world.carts[anonymous.id].items) == 200
        assert len(world.carts[cart.id].items) == 1
