from uuid import UUID

from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    LocationId,
    RequestStatus,
    fulfillment_order_id,
)


async def test_each_location_of_an_order_gets_work_of_its_own(world, order_id):
    world.given_provider("ace")

    await world.confirm(order_id, leeds={"LAMP": 2, "MUG": 1}, york={"MUG": 4})

    leeds, york = world.work_on(order_id)
    assert (leeds.location_id, york.location_id) == ("leeds", "york")
    assert [(some.sku, some.quantity.units) for some in leeds.goods] == [("LAMP", 2), ("MUG", 1)]
    assert world.told() == ["FulfillmentOrderOpened", "OfferSubmitted"] * 2


async def test_the_work_is_offered_for_as_long_as_offers_last(world, order_id):
    world.given_provider("ace")

    work = await world.given_work(order_id)

    assert work.status is FulfillmentOrderStatus.OPEN
    assert work.request_status is RequestStatus.SUBMITTED
    assert (work.live_offer.expires_at - world.now).total_seconds() == 30


async def test_an_order_that_is_confirmed_twice_is_opened_once(world, order_id):
    world.given_provider("ace")
    await world.given_work(order_id)

    await world.confirm(order_id, leeds={"LAMP": 3})

    assert world.told() == ["FulfillmentOrderOpened", "OfferSubmitted"]


async def test_work_that_no_provider_can_do_is_unfulfillable(world, order_id):
    world.given_provider("abroad", regions=frozenset({"FR"}))
    world.given_provider("asleep", suspended=True)

    work = await world.given_work(order_id)

    assert work.status is FulfillmentOrderStatus.UNFULFILLABLE
    assert work.request_status is RequestStatus.UNSUBMITTED
    assert world.told() == ["FulfillmentOrderOpened", "FulfillmentOrderUnfulfillable"]


async def test_the_lowest_rank_is_asked_first(world, order_id):
    world.given_provider("second", rank=2)
    world.given_provider("first", rank=1, regions=frozenset({"GB"}))

    work = await world.given_work(order_id)

    assert work.live_offer.provider_id == "first"


def test_the_id_of_work_follows_from_order_and_location():
    once = fulfillment_order_id(UUID(int=1), LocationId("leeds"))

    again = fulfillment_order_id(UUID(int=1), LocationId("leeds"))

    assert once == again
    assert once != fulfillment_order_id(UUID(int=1), LocationId("york"))
