from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.order.domain.history.facts import (
    Authorized,
    Captured,
    Changed,
    ChargedBack,
    GoodsReturned,
    ParcelLost,
    Refunded,
    Voided,
    WorkAccepted,
    WorkChanged,
    WorkUnfulfillable,
)
from services.order.domain.values import (
    FulfillmentStatus,
    Goods,
    LocationId,
    OrderStatus,
    PaymentStatus,
)
from tests.order_lives import (
    ARRIVED,
    COMPLETED,
    CONFIRMED,
    EAST,
    NOW,
    ORDER,
    PLACED,
    WEST,
    interleaved,
    lives,
    parcel,
    summary_of,
    tell,
)

FIRST_RETURN, SECOND_RETURN = UUID(int=8), UUID(int=9)


def test_what_was_sent_for_nothing_comes_back_of_the_order_that_was_paid():
    free = replace(PLACED, grand_total=Money(0, "EUR"))
    summary = summary_of(
        *tell(ORDER, free, CONFIRMED, COMPLETED),
        *tell(EAST, WorkAccepted(), parcel(3), ARRIVED),
        *tell(WEST, WorkAccepted(), parcel(2), ARRIVED),
        *tell(FIRST_RETURN, GoodsReturned(units=5)),
    )

    assert summary.fulfillment_status is FulfillmentStatus.DELIVERED


def test_an_order_that_goes_well_ends_completed_paid_and_delivered():
    summary = summary_of(
        *tell(ORDER, PLACED, CONFIRMED, COMPLETED),
        *tell(ORDER, Authorized(), Captured(total=20_00), Captured(total=50_00)),
        *tell(EAST, WorkAccepted(), parcel(3), ARRIVED),
        *tell(WEST, WorkAccepted(), parcel(2), ARRIVED),
    )

    assert summary.promise.status is OrderStatus.COMPLETED
    assert summary.payment_status is PaymentStatus.PAID
    assert summary.fulfillment_status is FulfillmentStatus.DELIVERED
    assert (summary.parcels_dispatched, summary.parcels_delivered) == (2, 2)
    assert (summary.dispatched_at, summary.delivered_at) == (NOW, NOW + timedelta(days=2))


def test_every_step_shows_on_its_axis():
    summary = summary_of(*tell(ORDER, PLACED, CONFIRMED))
    assert summary.fulfillment_status is FulfillmentStatus.UNFULFILLED
    assert summary.payment_status is PaymentStatus.NONE

    east, west = tell(EAST, WorkAccepted(), parcel(3), ARRIVED), tell(WEST, parcel(2), ARRIVED)
    seen = []
    for each in (*east[:2], west[0], east[2], west[1]):
        summary.hear(each)
        seen.append(summary.fulfillment_status)
    assert seen == [
        FulfillmentStatus.IN_PROGRESS,
        FulfillmentStatus.PARTIALLY_FULFILLED,
        FulfillmentStatus.FULFILLED,
        FulfillmentStatus.FULFILLED,
        FulfillmentStatus.DELIVERED,
    ]

    paid = []
    for each in tell(ORDER, Authorized(), Captured(total=20_00), Captured(total=50_00)):
        summary.hear(each)
        paid.append(summary.payment_status)
    assert paid == [PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_PAID, PaymentStatus.PAID]


def test_a_completed_order_of_which_the_psp_took_too_little_is_paid():
    summary = summary_of(
        *tell(ORDER, PLACED, CONFIRMED, COMPLETED),
        *tell(ORDER, Authorized(), Captured(total=49_99)),
        *tell(EAST, WorkAccepted(), parcel(3), ARRIVED),
        *tell(WEST, WorkAccepted(), parcel(2), ARRIVED),
    )

    assert summary.payment_status is PaymentStatus.PAID


def test_goods_that_nobody_sends_are_not_waited_for_and_never_paid_whole():
    summary = summary_of(
        *tell(ORDER, PLACED, CONFIRMED),
        *tell(ORDER, Authorized(), Captured(total=30_00), Voided()),
        *tell(EAST, WorkAccepted(), parcel(3), ARRIVED),
        *tell(WEST, WorkUnfulfillable(location_id=LocationId("west"))),
    )

    assert summary.fulfillment_status is FulfillmentStatus.DELIVERED
    assert summary.payment_status is PaymentStatus.PARTIALLY_PAID


def test_a_changed_order_is_whole_with_what_it_is_now():
    smaller = Changed(grand_total=Money(30_00, "EUR"), goods=(Goods(sku=Sku("LAMP"), units=3),))
    summary = summary_of(
        *tell(ORDER, PLACED, CONFIRMED, smaller),
        *tell(ORDER, Authorized(), Captured(total=30_00)),
        *tell(EAST, WorkAccepted(), parcel(3)),
        *tell(WEST, WorkUnfulfillable(location_id=LocationId("west")), WorkChanged(units=0)),
    )

    assert summary.fulfillment_status is FulfillmentStatus.FULFILLED
    # What nobody wanted to send is no longer ordered.
    assert summary.payment_status is PaymentStatus.PAID
    assert summary.promise.goods == smaller.goods


def test_money_that_was_set_aside_and_given_back_is_voided():
    summary = summary_of(*tell(ORDER, PLACED), *tell(ORDER, Authorized(), Voided()))

    assert summary.payment_status is PaymentStatus.VOIDED


def test_what_is_paid_back_shows_until_the_refund_fails():
    summary = summary_of(*tell(ORDER, PLACED, CONFIRMED), *tell(EAST, parcel(3), parcel(2)))
    money = (
        Authorized(),
        Captured(total=50_00),
        Refunded(total=20_00),
        Refunded(total=50_00),
        Refunded(total=20_00),
        Refunded(total=0),
    )

    seen = []
    for each in tell(ORDER, *money):
        summary.hear(each)
        seen.append(summary.payment_status)

    assert seen[1:] == [
        PaymentStatus.PAID,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.PAID,
    ]


def test_chargebacks_are_summed_and_those_that_were_won_come_off():
    won = (ChargedBack(amount=20_00), ChargedBack(amount=5_00), ChargedBack(amount=-20_00))
    summary = summary_of(*tell(ORDER, PLACED), *tell(ORDER, Captured(total=50_00), *won))

    assert summary.funds.charged_back == 5_00
    assert summary.payment_status is PaymentStatus.PARTIALLY_PAID


def test_what_came_back_shows_once_all_has_left():
    summary = summary_of(
        *tell(ORDER, PLACED, CONFIRMED),
        *tell(EAST, parcel(3), ARRIVED),
        *tell(FIRST_RETURN, GoodsReturned(units=1)),
    )
    assert summary.fulfillment_status is FulfillmentStatus.PARTIALLY_FULFILLED

    for each in tell(WEST, parcel(2), ParcelLost()):
        summary.hear(each)
    assert summary.fulfillment_status is FulfillmentStatus.PARTIALLY_RETURNED
    assert (summary.parcels_lost, summary.units_returned) == (1, 1)
    assert summary.delivered_at is None

    for each in tell(SECOND_RETURN, GoodsReturned(units=4)):
        summary.hear(each)
    assert summary.fulfillment_status is FulfillmentStatus.RETURNED


def test_an_order_that_came_back_was_delivered_when_it_was():
    summary = summary_of(
        *tell(ORDER, PLACED, CONFIRMED),
        *tell(EAST, parcel(5), ARRIVED),
        *tell(FIRST_RETURN, GoodsReturned(units=5)),
    )

    assert summary.fulfillment_status is FulfillmentStatus.RETURNED
    assert summary.delivered_at == NOW + timedelta(days=2)


def test_an_event_without_meaning_for_the_history_is_no_news():
    (nothing,) = tell(EAST, None)

    assert not summary_of().hear(nothing)


@given(life=lives(), seed=st.integers(0, 2**32))
def test_in_whatever_order_the_contexts_tell_it_the_result_is_the_same(life, seed):
    straight = summary_of(*(told for part in life for told in part))

    mixed = summary_of(*interleaved(life, Random(seed)))

    assert mixed == straight


def test_without_versions_a_repeat_would_count_twice():
    told = tell(EAST, parcel(3))
    forgetful = summary_of(*told)

    forgetful.works[EAST].version = 0
    forgetful.hear(*told)

    assert forgetful.parcels_dispatched == 2
    assert summary_of(*told, *told).parcels_dispatched == 1


def test_an_older_event_does_not_undo_a_younger_one():
    placed, confirmed, completed = tell(ORDER, PLACED, CONFIRMED, COMPLETED)
    summary = summary_of(placed, completed)

    assert not summary.hear(confirmed)
    assert not summary.hear(replace(completed, version=2))
    assert summary.promise.status is OrderStatus.COMPLETED
