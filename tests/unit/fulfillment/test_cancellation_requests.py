from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.application.answer_cancellations import (
    AnswerCancellation,
    answer_cancellations,
)
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    Cancelling,
    cancel_fulfillment,
)
from services.fulfillment.application.change_fulfillment import (
    ChangeFulfillment,
    change_fulfillment,
)
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.expire_cancellations import (
    expire_cancellations,
    next_cancellation_deadline,
)
from services.fulfillment.application.ports import Noticed
from services.fulfillment.application.watch_offers import watch_offers
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    OfferState,
    OrderId,
    ProviderId,
    RequestStatus,
    ShipmentId,
)
from services.fulfillment.wire.cancellations import answers_from_wire, cancellation_to_wire
from services.fulfillment.wire.orders import order_to_wire
from tests.unit.fulfillment.conftest import InMemoryFulfillmentOrders

ACE = ProviderId("ace")
KEPT = (FulfillmentOrderStatus.IN_PROGRESS, RequestStatus.CANCELLATION_REJECTED)
ASKED = (FulfillmentOrderStatus.IN_PROGRESS, RequestStatus.CANCELLATION_REQUESTED)
AGREED = (FulfillmentOrderStatus.IN_PROGRESS, RequestStatus.CANCELLATION_ACCEPTED)
GONE = (FulfillmentOrderStatus.CANCELLED, RequestStatus.CANCELLATION_ACCEPTED)


@pytest.fixture(autouse=True)
def one_provider(world):
    world.given_provider("ace")


@pytest.fixture
async def accepted(world, order_id):
    return await world.given_accepted_work(order_id)


@pytest.fixture
async def split(world, order_id):
    """
    Work of one order at two locations, both accepted.
    """
    await world.confirm(order_id, leeds={"LAMP": 1}, york={"LAMP": 1})
    leeds, york = world.work_on(order_id)
    for work in (leeds, york):
        await world.accept(work.live_offer)
    world.events.clear()
    return leeds, york


async def cancel(world, order_id):
    (answer,) = await cancel_fulfillment([CancelFulfillment(order_id=order_id)], **world.asking)
    return answer


async def answer(world, work, *, accepted, by=ACE, reason=""):
    command = AnswerCancellation(
        fulfillment_order_id=work.id, provider_id=by, accepted=accepted, reason=reason
    )
    (given,) = await answer_cancellations([command], **world.asking)
    return getattr(given, "reason", "")


async def dispatch(world, work):
    command = DispatchShipment(
        shipment_id=ShipmentId(UUID(int=100 + work.id.int % 100)),
        fulfillment_order_id=work.id,
        provider_id=ACE,
        goods=(),
        tracking_number="",
    )
    (given,) = await dispatch_shipments([command], uow=world.uow, clock=world.clock)
    return getattr(given, "reason", "")


def state_of(world, work):
    now = world.orders[work.id]
    return now.status, now.request_status


async def test_whoever_has_accepted_the_work_is_asked_once(world, order_id, accepted):
    due = world.now + timedelta(hours=1)

    first = await cancel(world, order_id)
    world.later(minutes=1)
    again = await cancel(world, order_id)

    assert first == again == Cancelling(order_id=order_id, answer_by=due)
    assert state_of(world, accepted) == ASKED
    assert world.told() == ["CancellationRequested"]
    assert world.events[0].provider_id == ACE
    assert world.events[0].answer_by == due


async def test_a_yes_gives_the_work_up(world, order_id, accepted):
    await cancel(world, order_id)

    assert await answer(world, accepted, accepted=True) == ""

    assert state_of(world, accepted) == GONE
    assert world.orders[accepted.id].offers[0].state is OfferState.WITHDRAWN
    assert world.told()[1:] == ["CancellationAccepted", "FulfillmentOrderCancelled"]
    assert await cancel(world, order_id) == Cancelling(order_id=order_id)


async def test_a_no_lets_the_work_go_on(world, order_id, accepted):
    await cancel(world, order_id)

    assert await answer(world, accepted, accepted=False, reason="packed") == ""

    assert state_of(world, accepted) == KEPT
    assert world.events[-1].reason == "packed"
    assert (await cancel(world, order_id)).reason == "CANCELLATION_REJECTED"
    assert await dispatch(world, accepted) == ""
    assert (await cancel(world, order_id)).reason == "ALREADY_DISPATCHED"


async def test_a_no_holds_until_the_time_to_answer_is_over(world, order_id, accepted):
    await cancel(world, order_id)
    await answer(world, accepted, accepted=False)
    world.later(minutes=59)
    assert (await cancel(world, order_id)).reason == "CANCELLATION_REJECTED"
    world.later(minutes=1)

    asked_anew = await cancel(world, order_id)

    assert asked_anew.answer_by == world.now + timedelta(hours=1)
    assert await answer(world, accepted, accepted=True) == ""
    assert state_of(world, accepted) == GONE


async def test_the_same_answer_again_changes_nothing_and_the_opposite_is_refused(
    world, order_id, accepted
):
    for yes in (False, True):
        await cancel(world, order_id)
        await answer(world, accepted, accepted=yes)
        told = world.told()

        assert await answer(world, accepted, accepted=yes) == ""
        assert await answer(world, accepted, accepted=not yes) == "CANCELLATION_ANSWERED"

        assert world.told() == told
        world.later(hours=1)


async def test_silence_is_a_yes(world, order_id, accepted):
    await cancel(world, order_id)
    assert await next_cancellation_deadline(uow=world.uow) == world.now + timedelta(hours=1)
    world.later(minutes=59)
    assert await expire_cancellations(**world.asking) == 0
    world.later(minutes=1)

    assert await expire_cancellations(**world.asking) == 1

    assert state_of(world, accepted) == GONE
    assert await next_cancellation_deadline(uow=world.uow) is None
    assert await expire_cancellations(**world.asking) == 0


async def test_a_no_that_comes_too_late_is_refused_although_no_timer_has_run(
    world, order_id, accepted
):
    await cancel(world, order_id)
    world.later(hours=1)

    assert await answer(world, accepted, accepted=False) == "CANCELLATION_ANSWERED"

    assert state_of(world, accepted) == GONE


async def test_asking_again_once_the_time_is_over_gives_the_work_up(world, order_id, accepted):
    await cancel(world, order_id)
    world.later(hours=1)

    assert await cancel(world, order_id) == Cancelling(order_id=order_id)

    assert state_of(world, accepted) == GONE


async def test_a_parcel_that_leaves_is_a_no(world, order_id, accepted):
    await cancel(world, order_id)

    assert await dispatch(world, accepted) == ""

    assert state_of(world, accepted) == KEPT
    assert world.told()[1:] == ["ShipmentDispatched", "CancellationRejected"]
    assert await answer(world, accepted, accepted=True) == "CANCELLATION_ANSWERED"
    assert (await cancel(world, order_id)).reason == "ALREADY_DISPATCHED"
    world.later(hours=1)
    assert await expire_cancellations(**world.asking) == 0
    assert state_of(world, accepted) == KEPT


async def test_nobody_answers_what_was_not_asked_or_is_not_theirs(world, order_id, accepted):
    assert await answer(world, accepted, accepted=True) == "CANCELLATION_NOT_REQUESTED"
    await cancel(world, order_id)

    assert await answer(world, accepted, accepted=True, by=ProviderId("bo")) == "NOT_THE_PROVIDER"
    unknown = AnswerCancellation(
        fulfillment_order_id=UUID(int=9), provider_id=ACE, accepted=True, reason=""
    )
    (refusal,) = await answer_cancellations([unknown], **world.asking)
    assert refusal.reason == "FULFILLMENT_ORDER_NOT_FOUND"

    assert state_of(world, accepted) == ASKED


async def test_work_that_was_given_up_at_once_was_asked_of_nobody(world, order_id):
    work = await world.given_work(order_id)
    await cancel(world, order_id)

    assert await answer(world, work, accepted=True) == "CANCELLATION_NOT_REQUESTED"


async def test_no_part_is_given_up_before_all_have_agreed(world, order_id, split):
    leeds, york = split
    await cancel(world, order_id)

    await answer(world, leeds, accepted=True)

    assert (state_of(world, leeds), state_of(world, york)) == (AGREED, ASKED)
    assert (await cancel(world, order_id)).answer_by
    await answer(world, york, accepted=True)
    assert (state_of(world, leeds), state_of(world, york)) == (GONE, GONE)
    assert world.told().count("FulfillmentOrderCancelled") == 2


async def test_one_no_lets_all_go_on_whoever_has_agreed_before(world, order_id, split):
    leeds, york = split
    await cancel(world, order_id)
    await answer(world, leeds, accepted=True)
    assert await dispatch(world, leeds) == "CANCELLATION_UNDER_WAY"

    await answer(world, york, accepted=False)

    assert (state_of(world, leeds), state_of(world, york)) == (KEPT, KEPT)
    assert await dispatch(world, leeds) == ""


async def test_one_parcel_that_leaves_lets_all_go_on(world, order_id, split):
    leeds, york = split
    await cancel(world, order_id)
    await answer(world, leeds, accepted=True)

    assert await dispatch(world, york) == ""

    assert (state_of(world, leeds), state_of(world, york)) == (KEPT, KEPT)
    assert await answer(world, leeds, accepted=True) == "CANCELLATION_ANSWERED"


async def test_a_part_that_nobody_does_goes_with_the_others_or_stays_with_them(world, order_id):
    await world.confirm(order_id, leeds={"LAMP": 1}, york={"LAMP": 1})
    leeds, york = world.work_on(order_id)
    await world.accept(leeds.live_offer)
    await cancel(world, order_id)
    assert state_of(world, york)[0] is FulfillmentOrderStatus.OPEN
    await answer(world, leeds, accepted=False)
    assert state_of(world, york)[0] is FulfillmentOrderStatus.OPEN
    world.later(hours=1)
    await cancel(world, order_id)

    await answer(world, leeds, accepted=True)

    assert (state_of(world, leeds), state_of(world, york)) == (GONE, GONE)


async def test_whoever_accepts_meanwhile_is_asked_too(world, order_id):
    await world.confirm(order_id, leeds={"LAMP": 1}, york={"LAMP": 1})
    leeds, york = world.work_on(order_id)
    await world.accept(leeds.live_offer)
    await cancel(world, order_id)
    await world.accept(york.live_offer)

    await answer(world, leeds, accepted=True)

    assert (state_of(world, leeds), state_of(world, york)) == (AGREED, ASKED)
    await answer(world, york, accepted=True)
    assert (state_of(world, leeds), state_of(world, york)) == (GONE, GONE)


@pytest.mark.parametrize("order_of_things", [*permutations(("yes", "no", "dispatch", "silence"))])
async def test_whatever_comes_first_decides_for_good(world, order_id, split, order_of_things):
    leeds, york = split
    await cancel(world, order_id)
    ends = []
    for what in order_of_things:
        match what:
            case "yes":
                await answer(world, leeds, accepted=True)
                await answer(world, york, accepted=True)
            case "no":
                await answer(world, york, accepted=False)
            case "dispatch":
                await dispatch(world, york)
            case "silence":
                world.later(hours=1)
                await expire_cancellations(**world.asking)
        ends.append((state_of(world, leeds), state_of(world, york)))

    first = (GONE, GONE) if order_of_things[0] in ("yes", "silence") else (KEPT, KEPT)
    assert set(ends) == {first}


async def test_work_that_may_be_given_up_is_not_changed_now(world, order_id, accepted):
    await cancel(world, order_id)
    command = ChangeFulfillment(
        order_id=order_id,
        number=1,
        ship_to=accepted.ship_to,
        goods={accepted.location_id: accepted.goods},
    )

    (refusal,) = await change_fulfillment([command], uow=world.uow)
    assert refusal.reason == "CANCELLATION_UNDER_WAY"
    await answer(world, accepted, accepted=False)

    assert [*await change_fulfillment([command], uow=world.uow)] == [order_id]


async def watched(world, *, meanwhile=None):
    asked = []
    async for news in watch_offers(ACE, uow=world.uow, notices=world):
        asked += [(work.id, work.answer_cancellation_by) for work in news.cancellations]
        if meanwhile:
            await meanwhile()
            meanwhile = None
    return asked


async def test_a_watcher_first_gets_what_it_is_asked_to_give_up(world, order_id, accepted):
    await cancel(world, order_id)
    world.news = [None, None]

    assert await watched(world) == [(accepted.id, world.now + timedelta(hours=1))]


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_watcher_gets_a_new_request_and_each_request_once(
    world, order_id, accepted, noticed
):
    await world.given_work(OrderId(UUID(int=2)))
    by = world.now + timedelta(hours=1)

    async def ask():
        await cancel(world, order_id)
        notice = Noticed(cancellations={accepted.id: by})
        world.news = [notice, None, notice] if noticed else [None, None]

    assert await watched(world, meanwhile=ask) == [(accepted.id, by)]


async def test_what_is_answered_already_is_not_sent(world, order_id, accepted):
    await cancel(world, order_id)
    by = world.now + timedelta(hours=1)
    await answer(world, accepted, accepted=False)
    world.news = [None, Noticed(cancellations={accepted.id: by})]

    assert await watched(world) == []


async def test_a_parcel_that_does_not_see_the_other_work_would_leave_it_undecided(
    world, order_id, split, monkeypatch
):
    leeds, york = split
    await cancel(world, order_id)
    await answer(world, leeds, accepted=True)
    # As a mistake in the lock would do it.
    monkeypatch.setattr(
        InMemoryFulfillmentOrders, "beside", InMemoryFulfillmentOrders.with_ids, raising=True
    )

    await dispatch(world, york)

    assert state_of(world, leeds) == AGREED  # and nobody would ever decide
    assert await dispatch(world, leeds) == "CANCELLATION_UNDER_WAY"


def test_how_far_a_cancellation_is_stands_on_the_wire(order_id):
    due = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

    done = cancellation_to_wire(Cancelling(order_id=order_id))
    pending = cancellation_to_wire(Cancelling(order_id=order_id, answer_by=due))

    assert (done.cancelled_order_id, done.pending_order_id) == (str(order_id), "")
    assert (pending.cancelled_order_id, pending.pending_order_id) == ("", str(order_id))
    assert pending.answer_by_time.ToDatetime(UTC) == due


async def test_until_when_it_is_to_be_answered_is_shown_while_it_is_asked(
    world, order_id, accepted
):
    await cancel(world, order_id)
    asked = order_to_wire(world.orders[accepted.id])
    await answer(world, accepted, accepted=False)
    kept = order_to_wire(world.orders[accepted.id])

    assert asked.answer_cancellation_by.ToDatetime(UTC) == world.now + timedelta(hours=1)
    assert not kept.HasField("answer_cancellation_by")


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        (pb.CancellationAnswer(fulfillment_order_id="x"), "answers[0].fulfillment_order_id"),
        (
            pb.CancellationAnswer(fulfillment_order_id=str(UUID(int=1)), reason="x" * 201),
            "answers[0].reason",
        ),
    ],
)
def test_a_malformed_answer_is_refused_with_the_path_of_the_field(wire, field):
    request = pb.AnswerCancellationsRequest(provider_id="ace", answers=[wire])

    (refusal,) = answers_from_wire(request)

    assert refusal.field == field
