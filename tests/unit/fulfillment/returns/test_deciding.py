from uuid import uuid4

import pytest

from chassis.kernel.money import Money
from services.fulfillment.application.returns.approve_returns import (
    ApproveReturn,
    approve_returns,
)
from services.fulfillment.domain.returns import refusals
from services.fulfillment.domain.returns.values import AccountId, ReturnId, ReturnState


@pytest.fixture
async def waiting(with_policy):
    """
    A desk, and a return of three lamps that waits for a decision there.
    """
    desk = with_policy(auto_approve_units=0)
    await desk.delivered(LAMP=3)
    return desk, (await desk.ask(LAMP=3)).id


async def test_a_return_that_is_approved_twice_is_approved_once(world, waiting):
    desk, id_ = waiting
    first = await desk.approve(id_)
    told = world.told()

    again = await desk.approve(id_)

    assert (again.state, again.version) == (ReturnState.APPROVED, first.version)
    assert world.told() == told == ["ReturnRequested", "ReturnApproved"]


async def test_a_return_is_declined_for_a_reason_and_told_once(world, waiting):
    desk, id_ = waiting
    await desk.decline(id_, "worn")
    some = await desk.decline(id_, "worn")

    assert (some.state, some.reason, some.due_at) == (ReturnState.DECLINED, "worn", None)
    assert world.told() == ["ReturnRequested", "ReturnDeclined"]
    with pytest.raises(refusals.ReturnNotInState):
        await desk.decline(id_, "too late")


async def test_what_was_decided_is_not_decided_otherwise(waiting):
    desk, id_ = waiting
    await desk.approve(id_)
    with pytest.raises(refusals.ReturnNotInState):
        await desk.decline(id_)

    other = await desk.cancel(id_)
    assert other.state is ReturnState.CANCELLED
    with pytest.raises(refusals.ReturnNotInState):
        await desk.approve(id_)


async def test_one_unknown_return_in_a_batch_does_not_stop_the_others(waiting):
    desk, id_ = waiting
    commands = [ApproveReturn(return_id=ReturnId(uuid4())), ApproveReturn(return_id=id_)]

    unknown, approved = await approve_returns(commands, policy=desk.policy, **desk.timed)

    assert unknown.reason == "RETURN_NOT_FOUND"
    assert approved.state is ReturnState.APPROVED


async def test_a_customer_gives_up_what_nothing_has_come_back_of(world, waiting):
    desk, id_ = waiting
    await desk.cancel(id_)
    await desk.cancel(id_)

    assert world.told() == ["ReturnRequested", "ReturnCancelled"]


async def test_a_return_of_which_something_came_back_is_not_given_up(waiting):
    desk, id_ = waiting
    await desk.approve(id_)
    await desk.receive(id_, LAMP=("SELLABLE", 1))

    with pytest.raises(refusals.ReturnNotInState):
        await desk.cancel(id_)


async def test_a_parcel_that_comes_back_is_not_given_up(world, desk):
    parcel = await desk.sent(LAMP=3)
    await desk.gone(parcel, lost=False)
    (some,) = world.returns.values()

    with pytest.raises(refusals.ReturnNotInState):
        await desk.cancel(some.id)


async def test_nobody_gives_up_anothers_return(waiting):
    desk, id_ = waiting

    with pytest.raises(refusals.ReturnNotFound):
        await desk.cancel(id_, account=AccountId("mallory"))


async def test_what_nobody_decides_is_approved(world, waiting):
    desk, id_ = waiting
    assert await desk.expire() == 0
    world.now += desk.policy.decide_within

    assert await desk.expire() == 1
    assert world.returns[id_].state is ReturnState.APPROVED
    assert await desk.expire() == 0


async def test_a_claim_that_nobody_decides_is_made_good(world, desk):
    await desk.delivered(LAMP=1)
    claim = await desk.claim(LAMP=1)
    world.now += desk.policy.decide_within
    await desk.expire()

    assert world.returns[claim.id].state is ReturnState.RECEIVED
    assert world.told() == ["ReturnRequested", "ReturnApproved", "ReturnReceived"]


async def test_a_return_of_which_nothing_comes_is_given_up(world, waiting):
    desk, id_ = waiting
    await desk.approve(id_)
    world.now += desk.policy.receive_within
    await desk.expire()

    some = world.returns[id_]
    assert (some.state, some.due_at) == (ReturnState.CANCELLED, None)
    assert some.reason
    assert world.told()[-1] == "ReturnCancelled"


async def test_closed_stays_closed_as_it_was_closed_first(world, waiting):
    desk, id_ = waiting
    await desk.approve(id_)
    with pytest.raises(refusals.ReturnNotInState):
        await desk.close(id_)
    await desk.receive(id_, LAMP=("SELLABLE", 3))

    closed = await desk.close(id_, refunded=Money(30_00, "GBP"))
    again = await desk.close(id_, refunded=Money(1, "GBP"))

    assert (again.state, again.refunded) == (ReturnState.CLOSED, Money(30_00, "GBP"))
    assert again.version == closed.version
    assert world.told().count("ReturnClosed") == 1
