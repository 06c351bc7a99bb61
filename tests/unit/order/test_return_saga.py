"""Goods come back: they are restocked, and made good once."""

from uuid import UUID

import pytest

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.order.application.cancel_order import CancelOrder, cancel_order
from services.order.application.note_refunds import NoteRefund, note_refunds
from services.order.application.note_unfulfillable import (
    NoteUnfulfillable,
    note_unfulfillable,
)
from services.order.application.place_orders import place_orders
from services.order.application.ports import OrderNotFound
from services.order.domain.order_return import OrderReturnState, RefundShipping
from services.order.domain.values import (
    Allocation,
    FulfillmentStatus,
    Goods,
    LocationId,
    OrderId,
    OrderStatus,
    PaymentStatus,
    ShipmentId,
)
from tests.unit.order.conftest import SHOP
from tests.unit.order.returns_memory import ReturnWorld, back, return_id
from tests.unit.order.stories import deliver, dispatch

LAMP = Sku("LAMP")
PARCEL, SECOND = ShipmentId(UUID(int=11)), ShipmentId(UUID(int=12))
ONE, TWO, THREE, FOUR = map(return_id, range(1, 5))


@pytest.fixture
def world():
    return ReturnWorld()


@pytest.fixture
async def order_id(world, a_command):
    """
    An order for three lamps, 30.00 EUR and 5.00 shipping, that is confirmed.
    """
    command = a_command(shipping=Money(5_00, "EUR"))
    (order,) = await place_orders([command], uow=world.uow, catalog=world, clock=world.clock)
    await world.run_due()
    return order.id


@pytest.fixture
async def delivered(world, order_id):
    await dispatch(world, order_id, PARCEL, Goods(sku=LAMP, units=3))
    await deliver(world, order_id, PARCEL)
    return order_id


async def test_what_comes_back_is_restocked_and_paid_back_and_closed(world, delivered):
    await world.receive(delivered, ONE, back(LAMP, 2, sellable=1, damaged=1))

    assert sorted(world.restocked.values()) == [(LAMP, "DAMAGED", 1), (LAMP, "SELLABLE", 1)]
    assert world.refunded == {ONE: (20_00, 0)}
    assert world.closed == {ONE: (20_00, None)}
    assert world.taken(delivered, ONE).state is OrderReturnState.SETTLED
    assert not world.sagas


async def test_the_order_shows_how_much_of_it_came_back(world, delivered):
    await world.receive(delivered, ONE, back(LAMP, 1))
    assert world.orders[delivered].fulfillment_status is FulfillmentStatus.PARTIALLY_RETURNED

    await world.receive(delivered, TWO, back(LAMP, 2))
    assert world.orders[delivered].fulfillment_status is FulfillmentStatus.RETURNED
    assert world.orders[delivered].status is OrderStatus.COMPLETED


async def test_a_return_that_is_told_again_changes_nothing(world, delivered):
    await world.receive(delivered, ONE, back(LAMP, 2))
    before = world.orders[delivered].version, list(world.calls)

    await world.receive(delivered, ONE, back(LAMP, 2))

    assert (world.orders[delivered].version, world.calls) == before


async def test_a_return_of_no_known_order_is_not_passed_over(world):
    with pytest.raises(OrderNotFound):
        await world.receive(OrderId(UUID(int=404)), ONE, back(LAMP, 1))


async def test_a_crash_after_any_call_does_nothing_twice(world, delivered):
    world.refuse("restock", "UNAVAILABLE", passing=True)
    await world.receive(delivered, ONE, back(LAMP, 2))
    world.refusals.clear()

    while ONE in world.sagas:
        await world.run_step(ONE, crash=True)
        await world.run_step(ONE)

    assert list(world.restocked.values()) == [(LAMP, "SELLABLE", 2)]
    assert world.refunded == {ONE: (20_00, 0)}
    assert world.closed == {ONE: (20_00, None)}


async def test_nothing_accepted_is_restocked_and_not_paid(world, delivered):
    await world.receive(delivered, ONE, back(LAMP, 0, sellable=0, damaged=1))

    assert list(world.restocked.values()) == [(LAMP, "DAMAGED", 1)]
    assert ("refund", 1) not in world.calls
    assert world.closed == {ONE: (None, None)}


async def test_a_parcel_that_is_not_charged_yet_is_paid_back_once_it_is(world, order_id):
    world.refuse("capture", "UNAVAILABLE", passing=True)
    await dispatch(world, order_id, PARCEL, Goods(sku=LAMP, units=3))
    await world.receive(order_id, ONE, back(LAMP, 3, reason="LOST", sellable=0), kind="CLAIM")
    assert world.sagas[ONE][0] == "decide_refund"
    assert not world.refunded

    world.refusals.clear()
    world.later(seconds=2)
    await world.run_due()
    world.later(seconds=2)
    await world.run_due()

    assert world.refunded == {ONE: (35_00, 5_00)}


async def test_a_refund_that_is_refused_for_good_waits_for_a_person(world, delivered):
    world.refuse("refund", "REFUND_WINDOW_CLOSED")
    await world.receive(delivered, ONE, back(LAMP, 1))
    assert world.sagas[ONE][0] == "refund_goods"
    assert world.taken(delivered, ONE).refund.value == Money(10_00, "EUR")

    world.refusals.clear()
    world.later(days=1)
    await world.run_due()

    assert world.refunded == {ONE: (10_00, 0)}
    assert world.taken(delivered, ONE).is_settled


async def test_a_refund_that_fails_after_all_waits_for_a_person(world, delivered):
    await world.receive(delivered, ONE, back(LAMP, 1))
    # What failed once is answered so for ever.
    world.refuse("refund", "REFUND_DECLINED")
    failed = NoteRefund(
        order_id=delivered, version=9, total=0, failure="closed account", return_id=ONE
    )

    for _ in range(2):
        async with world.uow() as tx:
            await note_refunds([failed], tx=tx, clock=world.clock)
        await world.run_due()

    assert world.sagas[ONE][0] == "refund_goods"
    assert world.taken(delivered, ONE).state is OrderReturnState.SETTLING


async def test_a_refund_that_was_for_no_return_begins_none(world, delivered):
    await world.receive(delivered, ONE, back(LAMP, 1))
    failed = NoteRefund(
        order_id=delivered, version=9, total=0, failure="closed account", return_id=TWO
    )

    async with world.uow() as tx:
        await note_refunds([failed], tx=tx, clock=world.clock)

    assert not world.sagas
    assert world.taken(delivered, ONE).is_settled


async def test_two_returns_together_pay_back_all_that_was_charged(world, delivered):
    world.refuse("restock", "UNAVAILABLE", passing=True)
    await world.receive(delivered, ONE, back(LAMP, 1, reason="DAMAGED"))
    await world.receive(delivered, TWO, back(LAMP, 2, reason="WRONG_ITEM"))
    world.refusals.clear()

    world.later(seconds=2)
    await world.run_due()

    assert sum(value for value, _ in world.refunded.values()) == 35_00
    assert sum(shipping for _, shipping in world.refunded.values()) == 5_00


@pytest.mark.parametrize(
    ("policy", "reasons", "shipping"),
    [
        ("FAULT", ("DAMAGED", "LATE"), 5_00),
        ("FAULT", ("CHANGED_MIND", "LATE"), 0),
        ("FAULT", ("LATE", "CHANGED_MIND"), 0),
        ("ALWAYS", ("CHANGED_MIND", "OTHER"), 5_00),
        ("NEVER", ("DAMAGED", "LOST"), 0),
    ],
)
async def test_shipping_comes_back_with_the_last_goods_by_policy(
    world, delivered, policy, reasons, shipping
):
    world.policy = RefundShipping(policy)

    await world.receive(delivered, ONE, back(LAMP, 1, reason=reasons[0]))
    assert world.refunded[ONE] == (10_00, 0)
    await world.receive(delivered, TWO, back(LAMP, 2, reason=reasons[1]))

    assert world.refunded[TWO] == (20_00 + shipping, shipping)


async def test_lost_goods_are_replaced_by_an_order_that_costs_nothing(world, delivered):
    damaged = back(LAMP, 2, sellable=0, reason="DAMAGED")
    await world.receive(delivered, ONE, damaged, kind="CLAIM", resolution="REPLACEMENT")

    replacement = world.orders[world.taken(delivered, ONE).replacement_id]
    assert replacement.for_return_id == ONE
    assert replacement.status is OrderStatus.PLACED
    assert replacement.payment_status is PaymentStatus.NONE
    assert replacement.units_ordered == {LAMP: 2}
    assert replacement.is_free
    assert replacement.ship_to == world.orders[delivered].ship_to
    assert list(world.authorized) == [delivered]
    assert ONE not in world.closed


async def test_a_replacement_that_has_left_closes_the_return(world, delivered):
    damaged = back(LAMP, 2, sellable=0, reason="DAMAGED")
    await world.receive(delivered, ONE, damaged, kind="CLAIM", resolution="REPLACEMENT")
    by = world.taken(delivered, ONE).replacement_id

    await dispatch(world, by, SECOND, Goods(sku=LAMP, units=2))
    world.later(seconds=2)
    await world.run_due()
    await deliver(world, by, SECOND)

    assert world.closed == {ONE: (None, by)}
    assert not world.refunded
    assert world.orders[by].status is OrderStatus.COMPLETED
    assert world.orders[by].payment_status is PaymentStatus.NONE
    assert SECOND not in world.captured
    assert not world.sagas


async def test_a_crash_while_replacing_places_one_order(world, delivered):
    world.refuse("restock", "UNAVAILABLE", passing=True)
    damaged = back(LAMP, 1, sellable=0, reason="DAMAGED")
    await world.receive(delivered, ONE, damaged, kind="CLAIM", resolution="REPLACEMENT")
    world.refusals.clear()
    await world.run_step(ONE)

    await world.run_step(ONE, crash=True)
    await world.run_step(ONE, crash=True)
    await world.run_step(ONE)

    assert len(world.orders) == 2


async def test_what_cannot_be_replaced_is_paid_back(world, delivered):
    world.refuse("reserve", "OUT_OF_STOCK")
    damaged = back(LAMP, 2, sellable=0, reason="DAMAGED")
    await world.receive(delivered, ONE, damaged, kind="CLAIM", resolution="REPLACEMENT")

    world.later(seconds=2)
    await world.run_due()

    assert world.refunded == {ONE: (20_00, 0)}
    assert world.closed == {ONE: (20_00, None)}
    assert not world.sagas


async def test_what_is_replaced_is_not_paid_back_with_the_rest(world, delivered):
    damaged = back(LAMP, 1, sellable=0, reason="DAMAGED")
    await world.receive(delivered, ONE, damaged, kind="CLAIM", resolution="REPLACEMENT")

    await world.receive(delivered, TWO, back(LAMP, 2, reason="DAMAGED"))

    assert world.refunded == {TWO: (20_00, 0)}


async def replaced(world, order_id, units):
    """
    Have some damaged lamps replaced, and return the order that brought them.
    """
    damaged = back(LAMP, units, sellable=0, reason="DAMAGED")
    await world.receive(order_id, ONE, damaged, kind="CLAIM", resolution="REPLACEMENT")
    by = world.taken(order_id, ONE).replacement_id
    await dispatch(world, by, SECOND, Goods(sku=LAMP, units=units))
    world.later(seconds=2)
    await world.run_due()
    return by


async def test_a_lost_replacement_is_paid_back_as_what_it_replaced(world, delivered):
    by = await replaced(world, delivered, 2)
    await world.lose(by, SECOND)

    await world.receive(by, TWO, back(LAMP, 1, sellable=0, reason="LOST"), kind="CLAIM")
    assert world.refunded == {TWO: (10_00, 0)}
    assert world.closed == {ONE: (None, by), TWO: (10_00, None)}

    await world.receive(delivered, THREE, back(LAMP, 1, reason="LATE"))
    await world.receive(by, FOUR, back(LAMP, 1, sellable=0, reason="LOST"), kind="CLAIM")
    assert sum(value for value, _ in world.refunded.values()) == 35_00
    assert not world.sagas


async def test_a_replacement_that_comes_back_is_told_once(world, delivered):
    by = await replaced(world, delivered, 2)

    for _ in range(2):
        await world.receive(by, TWO, back(LAMP, 2))

    assert world.refunded == {TWO: (20_00, 0)}
    assert world.orders[delivered].units_returned == 2


async def test_what_of_a_replacement_nobody_sends_is_paid_back(world, delivered):
    damaged = back(LAMP, 3, sellable=0, reason="DAMAGED")
    await world.receive(delivered, ONE, damaged, kind="CLAIM", resolution="REPLACEMENT")
    by = world.taken(delivered, ONE).replacement_id
    main, far = LocationId("main"), LocationId("far")
    world.orders[by].allocations = tuple(
        Allocation(sku=LAMP, location_id=place, units=units)
        for place, units in ((main, 2), (far, 1))
    )
    await dispatch(world, by, SECOND, Goods(sku=LAMP, units=2))
    world.later(seconds=2)
    await world.run_due()
    assert ONE not in world.closed

    async with world.uow() as tx:
        lost = NoteUnfulfillable(order_id=by, location_id=far)
        await note_unfulfillable([lost], tx=tx, clock=world.clock)
    world.later(hours=1)
    await world.run_due()

    assert world.refunded == {ONE: (10_00, 0)}
    assert world.closed == {ONE: (10_00, by)}

    await world.receive(by, TWO, back(LAMP, 2, reason="LATE"))
    assert sum(value for value, _ in world.refunded.values()) == 35_00


async def test_a_replacement_is_replaced_and_paid_back_like_the_first_goods(world, delivered):
    by = await replaced(world, delivered, 1)
    damaged = back(LAMP, 1, sellable=0, reason="DAMAGED")
    await world.receive(by, TWO, damaged, kind="CLAIM", resolution="REPLACEMENT")
    again = world.taken(delivered, TWO).replacement_id
    assert world.orders[again].units_ordered == {LAMP: 1}
    await dispatch(world, again, ShipmentId(UUID(int=13)), Goods(sku=LAMP, units=1))

    await world.receive(again, THREE, back(LAMP, 1))

    assert world.refunded == {THREE: (10_00, 0)}


@pytest.mark.parametrize("comes_back", [False, True])
async def test_an_order_whose_only_parcel_is_gone_completes_and_is_returned(
    world, order_id, comes_back
):
    await dispatch(world, order_id, PARCEL, Goods(sku=LAMP, units=3))

    await world.lose(order_id, PARCEL, comes_back=comes_back)
    order = world.orders[order_id]
    assert order.status is OrderStatus.COMPLETED
    assert order.fulfillment_status is FulfillmentStatus.FULFILLED

    gone = back(LAMP, 3, sellable=0, reason="LOST")
    await world.receive(order_id, ONE, gone, kind="CLAIM")
    assert world.orders[order_id].fulfillment_status is FulfillmentStatus.RETURNED
    assert world.refunded == {ONE: (35_00, 5_00)}


async def test_a_lost_parcel_that_is_told_again_changes_nothing(world, order_id):
    await dispatch(world, order_id, PARCEL, Goods(sku=LAMP, units=1))
    await world.lose(order_id, PARCEL)
    entries = len(world.timelines[order_id])

    await world.lose(order_id, PARCEL)
    await deliver(world, order_id, PARCEL)

    assert len(world.timelines[order_id]) == entries
    assert world.orders[order_id].shipments[PARCEL].delivered_at is None


async def test_an_order_waits_for_its_other_parcels_when_one_is_lost(world, order_id):
    await dispatch(world, order_id, PARCEL, Goods(sku=LAMP, units=1))
    await dispatch(world, order_id, SECOND, Goods(sku=LAMP, units=2))

    await world.lose(order_id, PARCEL)
    assert world.orders[order_id].status is OrderStatus.PLACED
    await deliver(world, order_id, SECOND)

    assert world.orders[order_id].status is OrderStatus.COMPLETED


async def test_a_replacement_that_the_customer_cancels_is_paid_back_and_nothing_is_voided(
    world, delivered
):
    damaged = back(LAMP, 1, sellable=0, reason="DAMAGED")
    await world.receive(delivered, ONE, damaged, kind="CLAIM", resolution="REPLACEMENT")
    by = world.taken(delivered, ONE).replacement_id

    await cancel_order(
        CancelOrder(account_id=SHOP, order_id=by, note=""), uow=world.uow, clock=world.clock
    )
    for _ in range(3):
        world.later(seconds=2)
        await world.run_due()

    assert world.orders[by].status is OrderStatus.CANCELLED
    assert ("void", 1) not in world.calls
    assert by not in world.held
    assert world.refunded == {ONE: (10_00, 0)}
    assert world.closed == {ONE: (10_00, None)}
