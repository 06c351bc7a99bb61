"""What orders note of their money beyond what they asked for: refunds, chargebacks, its end."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.rpc.money import money_to_wire
from retail.common.v1.event_pb2 import EventMeta
from retail.payment.v1 import payment_events_pb2 as pb
from services.order.application.note_expired_authorizations import (
    NoteExpiredAuthorization,
    note_expired_authorizations,
)
from services.order.application.note_refunds import NoteRefund, note_refunds
from services.order.application.place_orders import place_orders
from services.order.domain.values import Goods, OrderStatus, PaymentStatus, Reason, ShipmentId
from services.order.entrypoints.payment_notes import payment_notes
from services.order.wire.history import FACTS
from tests.unit.order.orders_sent import NOW, an_order, send
from tests.unit.order.stories import deliver, dispatch

FIRST, SECOND = ShipmentId(UUID(int=11)), ShipmentId(UUID(int=12))


def lamps(units):
    return Goods(sku=Sku("LAMP"), units=units)


@pytest.fixture
async def confirmed(world, a_command):
    """
    Return the id of an order for three lamps, 30.00 EUR.
    """
    (order,) = await place_orders([a_command()], uow=world.uow, catalog=world, clock=world.clock)
    await world.run_due()
    return order.id


@pytest.fixture
async def paid(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(3))
    return confirmed


async def hear_refund(world, order_id, total, *, version, failure=""):
    command = NoteRefund(order_id=order_id, version=version, total=total, failure=failure)
    async with world.uow() as tx:
        await note_refunds([command], tx=tx, clock=world.clock)


async def expire(world, order_id, *, version=2):
    command = NoteExpiredAuthorization(order_id=order_id, version=version)
    async with world.uow() as tx:
        await note_expired_authorizations([command], tx=tx, clock=world.clock)
    await world.run_due()


def timeline(world, order_id):
    return [entry.entry.what for entry in world.timelines[order_id]]


async def test_refunds_show_on_the_order_and_go_when_they_fail(world, paid):
    seen = []
    for version, total, failure in [(3, 10_00, ""), (4, 30_00, ""), (5, 10_00, "x"), (6, 0, "y")]:
        await hear_refund(world, paid, total, version=version, failure=failure)
        seen.append(world.orders[paid].payment_status)

    assert seen == [
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.PAID,
    ]
    assert timeline(world, paid)[-4:] == [
        "refund paid; refunded so far: 10.00 EUR",
        "refund paid; refunded so far: 30.00 EUR",
        "refund failed: x; refunded so far: 10.00 EUR",
        "refund failed: y; refunded so far: 0.00 EUR",
    ]


async def test_a_refund_that_was_never_paid_changes_no_status(world, paid):
    await hear_refund(world, paid, 0, version=3, failure="charge_disputed")

    assert world.orders[paid].payment_status is PaymentStatus.PAID


async def test_what_is_told_again_or_late_changes_nothing(world, paid):
    await hear_refund(world, paid, 30_00, version=4)
    entries, version = timeline(world, paid), world.orders[paid].version

    await hear_refund(world, paid, 30_00, version=4)
    await hear_refund(world, paid, 10_00, version=3)

    assert world.orders[paid].payment_status is PaymentStatus.REFUNDED
    assert (timeline(world, paid), world.orders[paid].version) == (entries, version)


async def test_of_an_unknown_order_nothing_is_noted(world, paid):
    await hear_refund(world, UUID(int=404), 30_00, version=3)

    assert set(world.orders) == {paid}


async def test_a_refund_heard_before_the_charge_is_noted_counts_once_it_is(world, confirmed):
    await hear_refund(world, confirmed, 10_00, version=3)
    assert world.orders[confirmed].payment_status is PaymentStatus.AUTHORIZED

    await dispatch(world, confirmed, FIRST, lamps(3))

    assert world.orders[confirmed].payment_status is PaymentStatus.PARTIALLY_REFUNDED


async def test_a_parcel_charged_after_all_was_refunded_is_refunded_in_part(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(1))
    await hear_refund(world, confirmed, 10_00, version=3)
    assert world.orders[confirmed].payment_status is PaymentStatus.REFUNDED

    await dispatch(world, confirmed, SECOND, lamps(2))

    assert world.orders[confirmed].payment_status is PaymentStatus.PARTIALLY_REFUNDED


async def test_a_refund_does_not_wake_the_saga_and_an_order_that_has_ended_notes_it(world, paid):
    story = dict(world.sagas)
    await hear_refund(world, paid, 10_00, version=3)
    assert world.sagas == story

    await deliver(world, paid, FIRST)
    await hear_refund(world, paid, 30_00, version=4)

    assert world.orders[paid].status is OrderStatus.COMPLETED
    assert world.orders[paid].payment_status is PaymentStatus.REFUNDED


@given(st.lists(st.integers(0, 30_00), min_size=1, max_size=5), st.data())
def test_in_whatever_order_and_however_often_it_is_told_the_last_total_counts(totals, data):
    order = an_order([("LAMP", 3, 10_00)])
    send(order, "LAMP", "LAMP", "LAMP")
    versions = data.draw(st.permutations([*range(1, len(totals) + 1)] * 2))

    for version in versions:
        order.note_refunds(totals[version - 1], "refund paid", version=version, now=NOW)

    expected = {0: PaymentStatus.PAID, 30_00: PaymentStatus.REFUNDED}
    assert order.refunded == totals[-1]
    assert order.payment_status is expected.get(totals[-1], PaymentStatus.PARTIALLY_REFUNDED)


async def test_a_charge_may_be_noted_after_the_rest_of_the_money_went(world, confirmed):
    world.refuse("capture", "PSP_OUTCOME_UNKNOWN", passing=True)
    await dispatch(world, confirmed, FIRST, lamps(1))
    await expire(world, confirmed)
    assert world.orders[confirmed].payment_status is PaymentStatus.VOIDED

    world.refusals.clear()
    world.later(seconds=2)
    await world.run_due()

    assert world.orders[confirmed].payment_status is PaymentStatus.PARTIALLY_PAID


async def test_an_order_that_loses_its_money_before_anything_left_is_given_up(world, confirmed):
    await expire(world, confirmed)

    order = world.orders[confirmed]
    assert (order.status, order.reason) == (OrderStatus.CANCELLED, Reason.AUTHORIZATION_EXPIRED)
    assert order.payment_status is PaymentStatus.VOIDED
    assert confirmed in world.cancelled_work
    assert not world.held
    assert not world.sagas
    assert "authorization expired" in timeline(world, confirmed)


async def test_a_parcel_that_left_without_its_money_is_put_to_a_person(world, confirmed):
    world.refuse("capture", "AUTHORIZATION_EXPIRED")
    await dispatch(world, confirmed, FIRST, lamps(1))

    await expire(world, confirmed)

    order = world.orders[confirmed]
    assert order.status is OrderStatus.PLACED
    (subject,) = [order]
    (outcome,) = await world.saga.follow_fulfillment([subject])
    assert outcome.waits_for == "a person: AUTHORIZATION_EXPIRED"


async def test_what_left_while_the_money_went_is_asked_about_and_then_put_to_a_person(
    world, confirmed
):
    world.refuse("cancel", "ALREADY_DISPATCHED")
    world.refuse("capture", "AUTHORIZATION_EXPIRED")
    await expire(world, confirmed)
    assert world.orders[confirmed].status is OrderStatus.PLACED

    await dispatch(world, confirmed, FIRST, lamps(3))

    step, _ = world.sagas[confirmed]
    assert step == "follow_fulfillment"
    assert world.orders[confirmed].uncaptured


async def test_the_rest_of_an_authorization_may_expire_when_part_of_it_was_taken(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(1))

    await expire(world, confirmed)

    order = world.orders[confirmed]
    assert (order.status, order.payment_status) == (
        OrderStatus.PLACED,
        PaymentStatus.PARTIALLY_PAID,
    )


def an_event(message, order_id, version, **fields):
    meta = EventMeta(event_id=str(new_id()), aggregate_id=str(order_id), aggregate_version=version)
    return message(meta=meta, payment_id=str(order_id), **fields)


async def hear(world, *events):
    notes = payment_notes(lambda tx: tx, world.clock)
    for event in events:
        async with world.uow() as tx:
            await notes[type(event)]([event], tx)


async def test_the_events_of_payment_say_it_all(world, paid):
    ten = money_to_wire(Money(10_00, "EUR"))
    await hear(
        world,
        an_event(pb.PaymentRefunded, paid, 3, total_refunded=ten),
        an_event(
            pb.RefundFailed, paid, 4, total_refunded=money_to_wire(Money(0, "EUR")), reason="x"
        ),
        an_event(pb.ChargebackReceived, paid, 5, amount=ten, reason="fraudulent"),
        an_event(pb.ChargebackClosed, paid, 6, amount=ten, won=True),
        an_event(pb.PaymentVoided, paid, 7, amount=ten),
        an_event(pb.PaymentVoided, paid, 8, amount=ten, expired=True),
    )

    assert timeline(world, paid)[-5:] == [
        "refund paid; refunded so far: 10.00 EUR",
        "refund failed: x; refunded so far: 0.00 EUR",
        "chargeback of 10.00 EUR: fraudulent",
        "chargeback of 10.00 EUR won",
        "authorization expired",
    ]


async def test_a_void_that_was_asked_for_is_no_news(world, confirmed):
    before = timeline(world, confirmed)

    await hear(world, an_event(pb.PaymentVoided, confirmed, 2))

    assert timeline(world, confirmed) == before
    assert world.orders[confirmed].payment_heard == 0


def test_what_orders_note_the_history_hears():
    assert set(payment_notes(lambda tx: tx, lambda: None)) <= set(FACTS["payment"])
