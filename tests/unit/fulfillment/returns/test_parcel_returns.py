from uuid import UUID

import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.returns.open_parcel_returns import (
    GoneParcel,
    open_parcel_returns,
)
from services.fulfillment.domain.returns import refusals
from services.fulfillment.domain.returns.values import (
    AccountId,
    ReturnKind,
    ReturnReason,
    ReturnState,
)
from services.fulfillment.domain.values import Goods, LocationId, OrderId, ShipmentId


def gone_parcel(*, lost):
    return GoneParcel(
        order_id=OrderId(UUID(int=1)),
        account_id=AccountId("alice"),
        shipment_id=ShipmentId(UUID(int=7)),
        location_id=LocationId("leeds"),
        goods=(Goods(Sku("LAMP"), Quantity(2)),),
        lost=lost,
    )


async def open_for(world, *parcels):
    async with world.uow() as tx:
        await open_parcel_returns(parcels, tx=tx, now=world.now)


async def test_what_was_in_a_lost_parcel_is_made_good_at_once(world):
    await open_for(world, gone_parcel(lost=True))

    (claim,) = world.returns.values()
    assert (claim.kind, claim.state) == (ReturnKind.CLAIM, ReturnState.RECEIVED)
    assert claim.location_id == ""
    (outcome,) = world.events[-1].goods
    assert (outcome.sellable, outcome.damaged, outcome.accepted) == (0, 0, 2)
    assert outcome.reason is ReturnReason.LOST
    assert world.told() == ["ReturnRequested", "ReturnApproved", "ReturnReceived"]


async def test_what_comes_back_undelivered_is_awaited_where_it_left(world):
    await open_for(world, gone_parcel(lost=False))

    (some,) = world.returns.values()
    assert (some.kind, some.state) == (ReturnKind.UNDELIVERED, ReturnState.APPROVED)
    assert some.location_id == "leeds"
    assert some.due_at > world.now
    assert world.told() == ["ReturnRequested", "ReturnApproved"]


async def test_what_was_never_delivered_is_not_refused_as_it_is_paid_back_anyhow(world, desk):
    parcel = await desk.sent(LAMP=2)
    await desk.gone(parcel, lost=False)
    (some,) = world.returns.values()

    with pytest.raises(refusals.NothingToRefuse):
        await desk.receive(some.id, LAMP=("REFUSED", 1))

    await desk.receive(some.id, LAMP=("DAMAGED", 2))
    assert not world.returns[some.id].to_be_sent_back


@pytest.mark.parametrize("lost", [True, False])
async def test_a_parcel_that_is_gone_twice_is_made_good_once(world, lost):
    await open_for(world, gone_parcel(lost=lost), gone_parcel(lost=lost))
    told = world.told()
    await open_for(world, gone_parcel(lost=lost))

    assert len(world.returns) == 1
    assert world.told() == told
