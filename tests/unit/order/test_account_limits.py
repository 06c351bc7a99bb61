"""How much an account may have under way."""

from dataclasses import replace
from uuid import UUID

import pytest

from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.settings import BadSettings, read_settings
from chassis.storage.idempotency import RequestIdReused
from services.order.application.accounts.delete_account_limits import (
    DeleteAccountLimits,
    delete_account_limits,
)
from services.order.application.accounts.get_account_limits import get_account_limits
from services.order.application.accounts.put_account_limits import (
    PutAccountLimits,
    put_account_limits,
)
from services.order.application.place_orders import WantedLine, place_orders
from services.order.domain.account_limits import (
    AccountLimitReached,
    AccountLimits,
    LimitOutOfRange,
    OpenOrders,
    values_from_text,
)
from services.order.domain.order import Order
from services.order.domain.values import AccountId, Channel, OrderStatus, Reason
from services.order.settings import Settings

SHOP = AccountId("shop-1")
EUR_100 = AccountLimits(open_values=(Money(100_00, "EUR"),))


async def place(world, *commands):
    return await place_orders(commands, uow=world.uow, catalog=world, clock=world.clock)


@pytest.fixture
def commands(a_command):
    """
    Return so many requests for an order of 30 euros each.
    """

    def some(count, first=1, **changes):
        return [a_command(request_id=UUID(int=n), **changes) for n in range(first, first + count)]

    return some


def kinds(answers):
    return [type(answer) for answer in answers]


async def test_no_limit_stands_in_nobodys_way(world, commands):
    assert kinds(await place(world, *commands(200))) == [Order] * 200


async def test_so_many_orders_may_be_under_way_and_no_more(world, commands):
    world.limits[SHOP] = AccountLimits(open_orders=2)
    await place(world, *commands(2))

    (refusal,) = await place(world, *commands(1, first=3))

    assert isinstance(refusal, AccountLimitReached)
    assert "open_orders: 2 of 2" in str(refusal)
    assert len(world.orders) == len(world.requests) == 2


async def test_the_orders_of_a_batch_count_one_after_the_other(world, commands):
    world.limits[SHOP] = AccountLimits(open_orders=2)

    answers = await place(world, *commands(3))

    assert kinds(answers) == [Order, Order, AccountLimitReached]


async def test_so_much_may_be_under_way_and_no_more(world, commands, a_command):
    world.limits[SHOP] = EUR_100
    small = WantedLine(sku="LAMP", quantity=Quantity(1))

    answers = await place(world, *commands(4), a_command(request_id=UUID(int=9), lines=(small,)))

    # 90 euros are under way: another 30 are too much, 10 are not.
    assert kinds(answers) == [Order, Order, Order, AccountLimitReached, Order]
    assert "90.00 EUR of 100.00 EUR" in str(answers[3])


async def test_a_limit_in_one_currency_is_none_in_another(world, commands):
    world.limits[SHOP] = AccountLimits(open_values=(Money(1, "GBP"),))

    assert kinds(await place(world, *commands(2))) == [Order, Order]


async def test_what_has_ended_counts_no_more(world, commands):
    world.limits[SHOP] = AccountLimits(open_orders=1)
    (order,) = await place(world, *commands(1))
    world.orders[order.id].reject(Reason.OUT_OF_STOCK, world.now)
    assert world.orders[order.id].status is OrderStatus.REJECTED

    assert kinds(await place(world, *commands(1, first=2))) == [Order]


async def test_an_account_without_limits_of_its_own_has_those_of_its_channel(world, commands):
    world.channel_limits = {Channel.BUSINESS: AccountLimits(open_orders=1)}
    consumer = {"channel": Channel.CONSUMER, "expected_total": Money(30_00, "EUR")}

    answers = await place(world, *commands(1), *commands(3, first=2, **consumer))

    assert kinds(answers) == [Order] * 4
    assert kinds(await place(world, *commands(1, first=9))) == [AccountLimitReached]


async def test_its_own_limits_stand_above_those_of_its_channel_even_if_they_are_none(
    world, commands
):
    world.channel_limits = {Channel.BUSINESS: AccountLimits(open_orders=1)}
    world.limits[SHOP] = AccountLimits()

    assert kinds(await place(world, *commands(3))) == [Order] * 3


async def test_one_accounts_limit_is_not_anothers(world, commands):
    world.limits[SHOP] = AccountLimits(open_orders=1)

    answers = await place(
        world, *commands(2), *commands(2, first=5, account_id=AccountId("shop-2"))
    )

    assert kinds(answers) == [Order, AccountLimitReached, Order, Order]


async def test_a_request_done_before_is_answered_whatever_the_limits_say(world, commands):
    (first,) = await place(world, *commands(1))
    world.limits[SHOP] = AccountLimits(open_orders=1)

    (again,) = await place(world, *commands(1))

    assert again.id == first.id


async def test_a_request_twice_in_a_batch_counts_once(world, commands):
    world.limits[SHOP] = AccountLimits(open_orders=2)
    twice = commands(1)
    other = [replace(twice[0], fingerprint=b"another")]

    first, again, reused, second = await place(world, *twice, *twice, *other, *commands(1, first=2))

    assert again.id == first.id
    assert isinstance(reused, RequestIdReused)
    assert isinstance(second, Order)


async def test_what_was_refused_may_be_asked_again(world, commands):
    world.limits[SHOP] = AccountLimits(open_orders=1)
    await place(world, *commands(2))
    world.limits[SHOP] = AccountLimits(open_orders=2)

    (order,) = await place(world, *commands(1, first=2))

    assert isinstance(order, Order)


async def test_limits_are_set_seen_and_taken_back(world, commands):
    command = PutAccountLimits(account_id=SHOP, limits=EUR_100)
    for _ in range(2):
        assert await put_account_limits(command, uow=world.uow, clock=world.clock) == world.now
    await place(world, *commands(2))

    limits = await get_account_limits(SHOP, uow=world.uow)
    assert limits.own == EUR_100
    assert limits.used == OpenOrders(count=2, values={"EUR": 60_00})

    for _ in range(2):
        await delete_account_limits(DeleteAccountLimits(account_id=SHOP), uow=world.uow)
    assert (await get_account_limits(SHOP, uow=world.uow)).own is None


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"open_orders": -1}, "limits.open_orders"),
        ({"open_orders": 1_000_001}, "limits.open_orders"),
        ({"open_values": (Money(0, "EUR"),)}, "limits.open_values[0]"),
        ({"open_values": (Money(1, "EUR"), Money(2, "EUR"))}, "limits.open_values[1]"),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(limits, field):
    with pytest.raises(LimitOutOfRange) as refusal:
        AccountLimits(**limits)

    assert refusal.value.field == field


def test_amounts_are_read_from_text():
    assert values_from_text("") == ()
    assert values_from_text("EUR 10000.00, JPY 9000") == (
        Money(10_000_00, "EUR"),
        Money(9_000, "JPY"),
    )


@pytest.mark.parametrize("text", ["EUR", "10000", "EUR ten", "EUR 1.001", "eur 5", "EUR inf"])
def test_text_that_is_no_amount_is_refused(text):
    with pytest.raises(LimitOutOfRange):
        values_from_text(text)


SOUND = {"DATABASE_URL": "db", "NATS_URL": "nats"}


def test_settings_give_each_channel_its_limits():
    settings = read_settings(Settings, SOUND | {"BUSINESS_OPEN_VALUE": "GBP 9000.00"})

    assert settings.channel_limits() == {
        Channel.BUSINESS: AccountLimits(open_values=(Money(9_000_00, "GBP"),)),
        Channel.CONSUMER: AccountLimits(open_orders=100),
    }


def test_a_malformed_limit_stops_the_service_and_is_named():
    with pytest.raises(BadSettings, match=r"CONSUMER_OPEN_VALUE.*'ten euros'"):
        read_settings(Settings, SOUND | {"CONSUMER_OPEN_VALUE": "ten euros"})
