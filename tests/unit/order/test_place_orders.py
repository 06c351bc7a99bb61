from uuid import UUID

import pytest

from chassis.kernel.money import CurrencyMismatch, Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.storage.idempotency import RequestIdReused
from services.order.application.place_orders import (
    MOST_LINES_AT_ONCE,
    AgreedPriceNotAllowed,
    ExpectedTotalMissing,
    TotalChanged,
    WantedLine,
    place_orders,
    portions,
)
from services.order.application.ports import OrderNotFound, ProductNotSold
from services.order.domain.events import OrderPlaced
from services.order.domain.order import (
    DiscountTooHigh,
    LinesOutOfRange,
    OrderedTooMuch,
    TotalOutOfRange,
)
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId, Channel, Goods, OrderStatus

LAMP = Sku("LAMP")


async def place(world, *commands):
    return await place_orders(commands, uow=world.uow, catalog=world, clock=world.clock)


async def test_an_order_is_accepted_at_todays_price(world, a_command):
    (order,) = await place(world, a_command())

    assert order.status is OrderStatus.PENDING
    assert order.grand_total == Money(30_00, "EUR")
    assert world.events == [
        OrderPlaced(
            order_id=order.id,
            account_id="shop-1",
            grand_total=Money(30_00, "EUR"),
            goods=(Goods(sku=LAMP, units=3),),
        )
    ]


async def test_an_accepted_order_begins_its_saga(world, a_command):
    (order,) = await place(world, a_command())

    assert world.sagas == {order.id: ("reserve_stock", world.now)}


async def test_an_agreed_price_counts_for_a_business(world, a_command):
    line = WantedLine(sku=LAMP, quantity=Quantity(3), agreed_unit_price=Money(9_00, "EUR"))

    (order,) = await place(world, a_command(lines=(line,), shipping=Money(5_00, "EUR")))

    assert order.grand_total == Money(32_00, "EUR")


@pytest.mark.parametrize(("units", "each"), [(1, 10_00), (9, 10_00), (10, 9_00), (50, 8_00)])
async def test_a_line_costs_what_its_quantity_costs(world, a_command, units, each):
    breaks = ((10, Money(9_00, "EUR")), (50, Money(8_00, "EUR")))
    world.variants[LAMP] = SoldVariant(title="Lamp", price=Money(10_00, "EUR"), breaks=breaks)
    line = WantedLine(sku=LAMP, quantity=Quantity(units))

    (order,) = await place(world, a_command(lines=(line,)))

    assert order.grand_total == Money(units * each, "EUR")


async def test_two_lines_of_one_sku_cost_what_one_of_both_would(world, a_command):
    breaks = ((10, Money(9_00, "EUR")),)
    world.variants[LAMP] = SoldVariant(title="Lamp", price=Money(10_00, "EUR"), breaks=breaks)
    lines = tuple(WantedLine(sku=LAMP, quantity=Quantity(units)) for units in (4, 6))

    (order,) = await place(world, a_command(lines=lines))

    assert order.grand_total == Money(90_00, "EUR")


async def test_an_agreed_price_counts_whatever_the_quantity(world, a_command):
    breaks = ((2, Money(1_00, "EUR")),)
    world.variants[LAMP] = SoldVariant(title="Lamp", price=Money(10_00, "EUR"), breaks=breaks)
    line = WantedLine(sku=LAMP, quantity=Quantity(3), agreed_unit_price=Money(9_00, "EUR"))

    (order,) = await place(world, a_command(lines=(line,)))

    assert order.grand_total == Money(27_00, "EUR")


async def test_a_consumer_cannot_bring_a_price(world, a_command):
    line = WantedLine(sku=LAMP, quantity=Quantity(3), agreed_unit_price=Money(9_00, "EUR"))

    (refusal,) = await place(world, a_command(channel=Channel.CONSUMER, lines=(line,)))

    assert isinstance(refusal, AgreedPriceNotAllowed)
    assert refusal.field == "lines[0].agreed_unit_price"
    assert not world.orders


async def test_a_consumer_must_say_what_it_will_cost(world, a_command):
    (refusal,) = await place(world, a_command(channel=Channel.CONSUMER))

    assert isinstance(refusal, ExpectedTotalMissing)


async def test_a_price_that_drifted_is_refused_not_charged(world, a_command):
    command = a_command(channel=Channel.CONSUMER, expected_total=Money(29_00, "EUR"))

    (refusal,) = await place(world, command)

    assert isinstance(refusal, TotalChanged)
    assert not world.orders


async def test_what_is_not_sold_cannot_be_ordered(world, a_command):
    (refusal,) = await place(
        world, a_command(lines=(WantedLine(sku=Sku("SOFA"), quantity=Quantity(1)),))
    )

    assert isinstance(refusal, ProductNotSold)


async def test_an_order_has_lines_and_something_to_pay(world, a_command):
    refusals = await place(
        world,
        a_command(request_id=UUID(int=1), lines=()),
        a_command(request_id=UUID(int=2), discount=Money(31_00, "EUR")),
        a_command(request_id=UUID(int=3), discount=Money(30_00, "EUR")),
        a_command(request_id=UUID(int=4), shipping=Money(1_00, "GBP")),
    )

    kinds = [type(refusal) for refusal in refusals]
    assert kinds == [LinesOutOfRange, DiscountTooHigh, TotalOutOfRange, CurrencyMismatch]
    assert not world.orders


async def test_the_same_request_again_finds_its_order(world, a_command):
    (first,) = await place(world, a_command())

    (again,) = await place(world, a_command())

    assert again.id == first.id
    assert len(world.orders) == len(world.events) == 1


async def test_the_same_request_twice_in_a_batch_places_one_order(world, a_command):
    first, again = await place(world, a_command(), a_command())

    assert again.id == first.id
    assert len(world.orders) == 1


async def test_a_used_request_id_with_another_content_is_refused(world, a_command):
    await place(world, a_command())

    (refusal,) = await place(world, a_command(fingerprint=b"four lamps"))

    assert isinstance(refusal, RequestIdReused)
    assert len(world.orders) == 1


async def test_two_accounts_may_use_the_same_request_id(world, a_command):
    await place(world, a_command(), a_command(account_id=AccountId("shop-2")))

    assert len(world.orders) == 2


async def test_one_bad_request_of_a_batch_harms_no_other(world, a_command):
    good, bad = await place(world, a_command(), a_command(request_id=UUID(int=2), lines=()))

    assert world.orders[good.id].status is OrderStatus.PENDING
    assert isinstance(bad, LinesOutOfRange)


async def test_a_repeated_request_is_answered_whatever_the_catalog_says_by_now(world, a_command):
    command = a_command(channel=Channel.CONSUMER, expected_total=Money(30_00, "EUR"))
    (first,) = await place(world, command)
    world.variants.clear()

    (again,) = await place(world, command)

    assert again.id == first.id
    assert len(world.orders) == 1


async def test_a_repeated_request_for_an_order_that_was_put_away_places_no_other(world, a_command):
    await place(world, a_command())
    world.orders.clear()

    (answer,) = await place(world, a_command())

    assert isinstance(answer, OrderNotFound)
    assert not world.orders


async def test_more_than_can_be_counted_is_refused(world, a_command):
    line = WantedLine(sku=LAMP, quantity=Quantity(600_000), agreed_unit_price=Money(1, "EUR"))
    dear = WantedLine(sku=LAMP, quantity=Quantity(2), agreed_unit_price=Money(10**13, "EUR"))

    refusals = await place(
        world,
        a_command(request_id=UUID(int=1), lines=(line, line)),
        a_command(request_id=UUID(int=2), lines=(dear,)),
    )

    assert [type(refusal) for refusal in refusals] == [OrderedTooMuch, TotalOutOfRange]


async def test_many_lines_are_placed_some_at_a_time(world, a_command):
    def wish(number, lines):
        line = WantedLine(sku=LAMP, quantity=Quantity(1))
        return a_command(request_id=UUID(int=number), lines=(line,) * lines)

    wishes = [wish(0, 2_000), wish(1, 2_000), wish(2, 1_000), wish(3, 1), wish(1, 2_000)]
    answers = await place(world, *wishes)

    some, others = portions(wishes)
    assert (*some, *others) == tuple(wishes)
    assert sum(len(wish.lines) for wish in some) == MOST_LINES_AT_ONCE
    assert [len(order.lines) for order in answers] == [2_000, 2_000, 1_000, 1, 2_000]
    assert answers[4].id == answers[1].id
    assert len(world.orders) == 4


def test_an_order_that_is_too_long_goes_alone(a_command):
    line = WantedLine(sku=LAMP, quantity=Quantity(1))
    long = a_command(lines=(line,) * (MOST_LINES_AT_ONCE + 1))

    assert [*portions([long, long])] == [[long], [long]]
    assert [*portions([])] == []
