from uuid import uuid4

import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.returns.ports import Receipt
from services.fulfillment.application.returns.receive_returns import receive_returns
from services.fulfillment.domain.returns import refusals
from services.fulfillment.domain.returns.line import Count, FromParcel
from services.fulfillment.domain.returns.values import (
    Disposition,
    ReceiptId,
    ReturnId,
    ReturnState,
)


@pytest.fixture
async def awaited(world, desk):
    """
    The id of a return of three lamps and a chair that are on their way back.
    """
    await desk.delivered(LAMP=3, CHAIR=1)
    some = await desk.ask(LAMP=3, CHAIR=1)
    world.events.clear()
    return some.id


def outcomes(event):
    return {some.sku: (some.sellable, some.damaged, some.accepted) for some in event.goods}


async def test_a_return_is_received_when_all_is_counted(world, desk, awaited):
    some = await desk.receive(awaited, LAMP=("SELLABLE", 2))
    assert (some.state, world.told()) == (ReturnState.APPROVED, [])

    await desk.receive(awaited, LAMP=("DAMAGED", 1))
    some = await desk.receive(awaited, CHAIR=("REFUSED", 1))

    assert (some.state, some.due_at) == (ReturnState.RECEIVED, None)
    (received,) = world.events
    assert outcomes(received) == {"CHAIR": (0, 0, 0), "LAMP": (2, 1, 3)}
    assert received.location_id == "leeds"


async def test_with_the_last_receipt_the_rest_is_missing(world, desk, awaited):
    some = await desk.receive(awaited, LAMP=("SELLABLE", 1), is_last=True)

    assert some.state is ReturnState.RECEIVED
    assert {line.sku: line.missing for line in some.lines} == {"CHAIR": 1, "LAMP": 2}
    assert outcomes(world.events[-1]) == {"CHAIR": (0, 0, 0), "LAMP": (1, 0, 1)}


async def test_what_came_back_damaged_is_noted_of_its_parcels_first_one_first(world, desk):
    first = await desk.delivered(LAMP=2)
    world.later(hours=1)
    second = await desk.delivered(at="hull", LAMP=2)
    some = await desk.ask(LAMP=4)

    some = await desk.receive(some.id, LAMP=("DAMAGED", 3), is_last=True)

    assert some.pull_harmed() == [FromParcel(first, 2), FromParcel(second, 1)]
    assert some.pull_harmed() == []


@pytest.mark.parametrize(("reason", "noted"), [("DAMAGED", 1), ("WRONG_ITEM", 0)])
async def test_of_claims_only_damage_is_noted(desk, reason, noted):
    await desk.delivered(LAMP=2)
    some = await desk.approve((await desk.claim(LAMP=2, reason=reason)).id)

    assert len(some.pull_harmed()) == noted


async def test_a_receipt_told_twice_counts_once(desk, awaited):
    id_ = uuid4()
    await desk.receive(awaited, receipt_id=id_, LAMP=("SELLABLE", 1))
    some = await desk.receive(awaited, receipt_id=id_, LAMP=("SELLABLE", 1))

    assert some.counted == 1


async def test_the_last_receipt_told_twice_is_told_once(world, desk, awaited):
    id_ = uuid4()
    for _ in range(2):
        some = await desk.receive(awaited, receipt_id=id_, is_last=True)

    assert some.state is ReturnState.RECEIVED
    assert world.told() == ["ReturnReceived"]


async def test_a_receipt_twice_in_one_batch_counts_once(desk, awaited):
    counts = (Count(sku=Sku("LAMP"), quantity=Quantity(1), disposition=Disposition.SELLABLE),)
    receipt = Receipt(id=ReceiptId(uuid4()), return_id=awaited, counts=counts, is_last=False)

    first, second = await receive_returns([receipt, receipt], **desk.timed)

    assert first.counted == second.counted == 1


async def test_a_receipt_that_says_something_else_is_refused(world, desk, awaited):
    id_ = uuid4()
    await desk.receive(awaited, receipt_id=id_, LAMP=("SELLABLE", 1))

    for other in ({"LAMP": ("SELLABLE", 2)}, {"LAMP": ("SELLABLE", 1), "is_last": True}):
        with pytest.raises(refusals.ReceiptMismatch):
            await desk.receive(awaited, receipt_id=id_, **other)
    assert world.returns[awaited].counted == 1


@pytest.mark.parametrize("counted", [{"LAMP": ("SELLABLE", 4)}, {"TABLE": ("SELLABLE", 1)}])
async def test_more_than_was_to_come_is_refused_whole(world, desk, awaited, counted):
    with pytest.raises(refusals.ReceivedTooMuch):
        await desk.receive(awaited, **{"CHAIR": ("SELLABLE", 1), **counted})

    assert world.returns[awaited].counted == 0
    assert world.received == {}


async def test_nothing_is_received_twice_over(desk, awaited):
    await desk.receive(awaited, LAMP=("SELLABLE", 3), CHAIR=("SELLABLE", 1))

    with pytest.raises(refusals.ReturnNotInState):
        await desk.receive(awaited, LAMP=("SELLABLE", 1))


async def test_an_unknown_return_receives_nothing(desk):
    with pytest.raises(refusals.ReturnNotFound):
        await desk.receive(ReturnId(uuid4()), LAMP=("SELLABLE", 1))


async def test_of_what_came_in_part_the_rest_is_missing_once_it_is_overdue(world, desk, awaited):
    await desk.receive(awaited, LAMP=("SELLABLE", 2))
    world.now += desk.policy.receive_within
    await desk.expire()

    assert world.returns[awaited].state is ReturnState.RECEIVED
    assert outcomes(world.events[-1]) == {"CHAIR": (0, 0, 0), "LAMP": (2, 0, 2)}


async def test_a_parcel_that_never_comes_back_is_made_good_all_the_same(world, desk):
    await desk.gone(await desk.sent(LAMP=3), lost=False)
    world.now += desk.policy.receive_within
    await desk.expire()

    assert outcomes(world.events[-1]) == {"LAMP": (0, 0, 3)}


async def test_what_was_refused_goes_back_once_all_is_counted(world, desk, awaited):
    await desk.receive(awaited, LAMP=("REFUSED", 1))
    with pytest.raises(refusals.NothingToSendBack):
        await desk.send_back(awaited)
    some = await desk.receive(awaited, is_last=True)
    assert some.to_be_sent_back

    some = await desk.send_back(awaited, "BACK-1")
    again = await desk.send_back(awaited, "BACK-1")

    assert not some.to_be_sent_back
    assert again.version == some.version
    assert world.told() == ["ReturnReceived"]


async def test_where_nothing_was_refused_nothing_is_sent_back(desk, awaited):
    await desk.receive(awaited, is_last=True)

    with pytest.raises(refusals.NothingToSendBack):
        await desk.send_back(awaited)


async def test_refused_goods_go_back_after_the_return_is_closed_too(desk, awaited):
    await desk.receive(awaited, CHAIR=("REFUSED", 1), is_last=True)
    await desk.close(awaited)

    assert not (await desk.send_back(awaited)).to_be_sent_back


async def test_what_was_refused_or_missing_cannot_be_returned_again(desk, awaited):
    await desk.receive(awaited, CHAIR=("REFUSED", 1), is_last=True)

    with pytest.raises(refusals.ReturnsExceedDelivered):
        await desk.ask(CHAIR=1)
