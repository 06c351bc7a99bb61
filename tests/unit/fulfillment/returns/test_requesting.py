from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest

from services.fulfillment.domain.returns import refusals
from services.fulfillment.domain.returns.values import (
    AccountId,
    ReturnKind,
    ReturnReason,
    ReturnState,
)
from services.fulfillment.domain.values import OrderId


async def test_a_return_is_approved_at_once_by_the_standard_policy(world, desk):
    await desk.delivered(LAMP=3)

    some = await desk.ask(LAMP=2)

    assert (some.kind, some.state) == (ReturnKind.RETURN, ReturnState.APPROVED)
    assert (some.location_id, some.units) == ("leeds", 2)
    assert some.due_at == world.now + desk.policy.receive_within
    assert world.told() == ["ReturnRequested", "ReturnApproved"]


async def test_a_return_above_what_the_policy_allows_waits_for_a_person(world, with_policy):
    desk = with_policy(auto_approve_units=2)
    await desk.delivered(LAMP=3)

    some = await desk.ask(LAMP=3)

    assert some.state is ReturnState.REQUESTED
    assert some.due_at == world.now + desk.policy.decide_within
    assert world.told() == ["ReturnRequested"]


async def test_asking_again_in_the_same_words_changes_nothing(world, desk):
    await desk.delivered(LAMP=3)
    id_ = uuid4()
    first = await desk.ask(id_=id_, LAMP=2)
    told = world.told()
    world.later(days=60)

    again = await desk.ask(id_=id_, LAMP=2)

    assert (again.id, again.version) == (first.id, first.version)
    assert world.told() == told


async def test_asking_again_in_other_words_is_refused(desk):
    await desk.delivered(LAMP=3)
    id_ = uuid4()
    await desk.ask(id_=id_, LAMP=2)

    for other in ({"LAMP": 1}, {"LAMP": 2, "reason": "OTHER"}):
        with pytest.raises(refusals.ReturnMismatch):
            await desk.ask(id_=id_, **other)
    with pytest.raises(refusals.ReturnMismatch):
        await desk.claim(id_=id_, LAMP=2)


async def test_the_id_of_a_return_of_another_order_is_refused(desk):
    other = OrderId(UUID(int=2))
    await desk.delivered(LAMP=1)
    await desk.delivered(other, LAMP=1)
    id_ = uuid4()
    await desk.ask(id_=id_, LAMP=1)

    with pytest.raises(refusals.ReturnMismatch):
        await desk.ask(id_=id_, order_id=other, LAMP=1)


async def test_anothers_order_is_not_found(desk):
    await desk.delivered(LAMP=1)

    for ask in (desk.ask, desk.claim):
        with pytest.raises(refusals.OrderNotFound):
            await ask(account=AccountId("mallory"), LAMP=1)


async def test_an_order_of_which_nothing_left_is_not_found(world, desk):
    world.given_provider("alpha")
    await world.given_accepted_work(OrderId(UUID(int=1)))

    with pytest.raises(refusals.OrderNotFound):
        await desk.ask(account=AccountId(""), LAMP=1)


async def test_what_has_not_arrived_cannot_be_returned(desk):
    await desk.sent(LAMP=3)

    with pytest.raises(refusals.ReturnsExceedDelivered):
        await desk.ask(LAMP=1)


async def test_no_unit_is_returned_twice(world, desk):
    await desk.delivered(LAMP=3)
    await desk.ask(LAMP=2)
    told = world.told()

    with pytest.raises(refusals.ReturnsExceedDelivered):
        await desk.ask(LAMP=2)

    assert world.told() == told
    await desk.ask(LAMP=1)


async def test_a_claim_takes_what_a_return_could_have(desk):
    await desk.delivered(LAMP=3)
    await desk.claim(LAMP=2)

    with pytest.raises(refusals.ReturnsExceedDelivered):
        await desk.ask(LAMP=2)


async def test_what_was_declined_or_given_up_can_be_returned(with_policy):
    desk = with_policy(auto_approve_units=0)
    await desk.delivered(LAMP=3)
    await desk.decline((await desk.ask(LAMP=3)).id)
    await desk.cancel((await desk.ask(LAMP=3)).id)

    assert (await desk.ask(LAMP=3)).state is ReturnState.REQUESTED


async def test_the_window_of_each_parcel_closes_by_itself(world, desk):
    first = await desk.delivered(LAMP=1)
    world.later(days=20)
    second = await desk.delivered(at="hull", LAMP=1)
    world.later(days=15)

    with pytest.raises(refusals.ReturnWindowClosed):
        await desk.ask(LAMP=2)
    some = await desk.ask(LAMP=1)

    assert [part.shipment_id for part in some.lines[0].parcels] == [second] != [first]
    assert some.location_id == "hull"


async def test_on_the_last_moment_of_its_window_a_unit_can_be_returned(world, desk):
    await desk.delivered(LAMP=2)
    world.now += desk.policy.window

    await desk.ask(LAMP=1)
    world.later(seconds=1)
    with pytest.raises(refusals.ReturnWindowClosed):
        await desk.ask(LAMP=1)


async def test_what_arrived_first_is_returned_first_and_to_where_most_came_from(world, desk):
    first = await desk.delivered(LAMP=2)
    world.later(days=1)
    second = await desk.delivered(at="hull", LAMP=5)

    some = await desk.ask(LAMP=6)

    parts = [(part.shipment_id, part.units) for part in some.lines[0].parcels]
    assert parts == [(first, 2), (second, 4)]
    assert some.location_id == "hull"


async def test_a_claim_waits_for_a_person_by_the_standard_policy(world, desk):
    await desk.delivered(LAMP=3)

    claim = await desk.claim(LAMP=1)

    assert (claim.state, claim.location_id) == (ReturnState.REQUESTED, "")
    assert world.told() == ["ReturnRequested"]


async def test_an_approved_claim_is_received_at_once(world, desk):
    await desk.delivered(LAMP=3)
    claim = await desk.claim(LAMP=2, resolution="REPLACEMENT")

    claim = await desk.approve(claim.id)

    assert (claim.state, claim.due_at) == (ReturnState.RECEIVED, None)
    assert world.told() == ["ReturnRequested", "ReturnApproved", "ReturnReceived"]
    received = world.events[-1]
    assert (received.resolution, received.location_id) == ("REPLACEMENT", "")
    assert [(g.sellable, g.damaged, g.accepted) for g in received.goods] == [(0, 0, 2)]


async def test_a_parcel_can_be_claimed_as_lost_once_it_is_overdue(world, desk):
    await desk.sent(LAMP=2)
    (work,) = world.orders.values()
    world.now = datetime.combine(work.promise.last_day, time(23), UTC)

    with pytest.raises(refusals.ParcelNotOverdue):
        await desk.claim(reason="LOST", LAMP=1)
    world.later(hours=1)

    assert (await desk.claim(reason="LOST", LAMP=1)).units == 1


async def test_a_parcel_without_a_promise_can_be_claimed_as_lost_after_some_days(world, desk):
    await desk.sent(LAMP=2)
    (work,) = world.orders.values()
    work.promise = None
    world.now += desk.policy.lost_after - timedelta(seconds=1)

    with pytest.raises(refusals.ParcelNotOverdue):
        await desk.claim(reason="LOST", LAMP=1)
    world.later(seconds=1)

    assert (await desk.claim(reason="LOST", LAMP=1)).units == 1


async def test_what_is_on_its_way_is_claimed_as_nothing_but_lost(world, desk):
    await desk.sent(LAMP=2)
    world.now += desk.policy.lost_after

    with pytest.raises(refusals.ReturnsExceedDelivered):
        await desk.claim(reason="DAMAGED", LAMP=1)


async def test_what_is_said_to_have_arrived_can_be_claimed_as_lost(desk):
    await desk.delivered(LAMP=2)

    claim = await desk.claim(reason="LOST", LAMP=2)

    assert claim.lines[0].wanted.reason is ReturnReason.LOST


async def test_of_a_lost_parcel_only_what_was_not_claimed_is_made_good(world, desk):
    parcel = await desk.sent(LAMP=3)
    world.now += desk.policy.lost_after
    await desk.claim(reason="LOST", LAMP=2)

    await desk.gone(parcel, lost=True)

    (opened,) = [some for some in world.returns.values() if some.shipment_id == parcel]
    assert opened.units == 1


async def test_of_a_lost_parcel_that_is_claimed_whole_nothing_is_opened(world, desk):
    parcel = await desk.sent(LAMP=3)
    world.now += desk.policy.lost_after
    await desk.claim(reason="LOST", LAMP=3)

    await desk.gone(parcel, lost=True)

    assert len(world.returns) == 1


async def test_what_was_claimed_as_lost_and_then_arrives_cannot_be_returned(world, desk):
    parcel = await desk.sent(LAMP=3)
    world.now += desk.policy.lost_after
    await desk.claim(reason="LOST", LAMP=2)
    await desk.arrived(parcel)

    with pytest.raises(refusals.ReturnsExceedDelivered):
        await desk.ask(LAMP=2)
    await desk.ask(LAMP=1)


async def test_what_comes_back_undelivered_cannot_be_claimed(world, desk):
    parcel = await desk.sent(LAMP=3)
    await desk.gone(parcel, lost=False)
    world.now += desk.policy.lost_after

    with pytest.raises(refusals.ReturnsExceedDelivered):
        await desk.claim(reason="LOST", LAMP=1)


async def test_what_was_never_sent_cannot_be_returned(desk):
    await desk.delivered(LAMP=3)

    with pytest.raises(refusals.ReturnsExceedDelivered):
        await desk.ask(CHAIR=1)


async def test_what_is_lost_and_was_in_a_claim_that_was_turned_down_can_be_claimed(world, desk):
    parcel = await desk.sent(LAMP=3)
    world.now += desk.policy.lost_after
    claim = await desk.claim(reason="LOST", LAMP=2)
    await desk.gone(parcel, lost=True)
    await desk.decline(claim.id)

    assert (await desk.claim(reason="LOST", LAMP=2)).units == 2
