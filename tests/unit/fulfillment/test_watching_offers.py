from uuid import UUID

import pytest

from services.fulfillment.application.ports import Noticed
from services.fulfillment.application.reject_offers import RejectOffer, reject_offers
from services.fulfillment.application.watch_offers import CHUNK, watch_offers
from services.fulfillment.domain.values import OrderId, ProviderId

ACE = ProviderId("ace")


@pytest.fixture(autouse=True)
def one_provider(world):
    world.given_provider("ace")


async def watched(world, *, meanwhile=None):
    rounds = []
    async for work in watch_offers(ACE, uow=world.uow, notices=world):
        rounds.append([some.offer.id for some in work.offers])
        if meanwhile:
            await meanwhile()
            meanwhile = None
    return rounds


async def test_a_watcher_first_gets_all_open_offers(world, order_id):
    offer = (await world.given_work(order_id)).live_offer

    rounds = await watched(world)

    assert rounds == [[offer.id]]


async def test_a_watcher_gets_a_new_offer_when_it_is_noticed(world, order_id):
    first = (await world.given_work(order_id)).live_offer

    async def make_another():
        second = await world.given_work(OrderId(UUID(int=2)))
        world.news = [Noticed(offers={first.id: 0, second.live_offer.id: 0})]

    rounds = await watched(world, meanwhile=make_another)

    second = world.work_on(OrderId(UUID(int=2)))[0].live_offer
    assert rounds == [[first.id], [second.id]]


async def test_an_offer_whose_notice_was_lost_is_found_by_looking(world, order_id):
    await world.given_work(order_id)
    world.news = [None, None]

    async def make_another():
        await world.given_work(OrderId(UUID(int=2)))

    rounds = await watched(world, meanwhile=make_another)

    assert [len(offers) for offers in rounds] == [1, 1]


async def test_what_is_no_longer_open_is_not_sent(world, order_id):
    offer = (await world.given_work(order_id)).live_offer
    command = RejectOffer(offer_id=offer.id, provider_id=ACE, reason="")
    await reject_offers([command], **world.offering)
    world.news = [None, Noticed(offers={offer.id: 0})]

    rounds = await watched(world)

    assert rounds == []


async def test_many_offers_come_in_portions(world, order_id):
    await world.confirm(order_id, **{f"location-{n}": {"LAMP": 1} for n in range(CHUNK + 1)})

    rounds = await watched(world)

    assert [len(offers) for offers in rounds] == [CHUNK, 1]
