import pytest

from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.expire_offers import expire_offers, next_expiry
from services.fulfillment.application.reject_offers import RejectOffer, reject_offers
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    OfferId,
    OfferState,
    ProviderId,
    RequestStatus,
)


def accept(offer, *, by=None):
    return AcceptOffer(offer_id=offer.id, provider_id=by or offer.provider_id)


def reject(offer, reason="too far"):
    return RejectOffer(offer_id=offer.id, provider_id=offer.provider_id, reason=reason)


@pytest.fixture(autouse=True)
def two_providers(world):
    world.given_provider("first", rank=1)
    world.given_provider("second", rank=2)


async def test_a_provider_takes_the_work_on(world, order_id):
    work = await world.given_work(order_id)

    (answer,) = await accept_offers([accept(work.live_offer)], **world.offering)

    assert answer.status is FulfillmentOrderStatus.IN_PROGRESS
    assert answer.request_status is RequestStatus.ACCEPTED
    assert world.told()[2:] == ["OfferAccepted"]


async def test_accepting_again_answers_again_and_changes_nothing(world, order_id):
    work = await world.given_accepted_work(order_id)

    first, second = await accept_offers([accept(work.live_offer)] * 2, **world.offering)

    assert first is second
    assert first.request_status is RequestStatus.ACCEPTED
    assert world.events == []


async def test_another_providers_offer_is_not_found(world, order_id):
    work = await world.given_work(order_id)

    answers = await accept_offers(
        [accept(work.live_offer, by=ProviderId("second"))], **world.offering
    )

    assert [answer.reason for answer in answers] == ["OFFER_NOT_FOUND"]


async def test_one_refusal_in_a_batch_does_not_stop_the_others(world, order_id):
    work = await world.given_work(order_id)
    unknown = AcceptOffer(offer_id=OfferId(order_id), provider_id=ProviderId("first"))

    refused, accepted = await accept_offers([unknown, accept(work.live_offer)], **world.offering)

    assert refused.reason == "OFFER_NOT_FOUND"
    assert accepted.status is FulfillmentOrderStatus.IN_PROGRESS


async def test_an_overdue_offer_expires_on_the_spot_and_the_next_provider_is_asked(world, order_id):
    offer = (await world.given_work(order_id)).live_offer
    world.later(seconds=30)

    (refusal,) = await accept_offers([accept(offer)], **world.offering)

    (work,) = world.work_on(order_id)
    assert refusal.reason == "OFFER_EXPIRED"
    assert work.live_offer.provider_id == "second"
    assert world.told()[2:] == ["OfferExpired", "OfferSubmitted"]


async def test_a_declined_offer_goes_to_the_next_provider(world, order_id):
    work = await world.given_work(order_id)

    (answer,) = await reject_offers([reject(work.live_offer)], **world.offering)

    declined, offered = answer.offers
    assert (declined.state, declined.reason) == (OfferState.REJECTED, "too far")
    assert (offered.state, offered.provider_id) == (OfferState.SUBMITTED, "second")
    assert world.told()[2:] == ["OfferRejected", "OfferSubmitted"]


async def test_declining_again_answers_again_and_asks_nobody_else(world, order_id):
    offer = (await world.given_work(order_id)).live_offer
    await reject_offers([reject(offer)], **world.offering)
    world.events.clear()

    (answer,) = await reject_offers([reject(offer)], **world.offering)

    assert answer.live_offer.provider_id == "second"
    assert world.events == []


async def test_what_was_declined_cannot_be_accepted(world, order_id):
    offer = (await world.given_work(order_id)).live_offer
    await reject_offers([reject(offer)], **world.offering)

    (refusal,) = await accept_offers([accept(offer)], **world.offering)

    assert refusal.reason == "OFFER_REJECTED"


async def test_what_was_accepted_cannot_be_declined(world, order_id):
    work = await world.given_accepted_work(order_id)

    (refusal,) = await reject_offers([reject(work.live_offer)], **world.offering)

    assert refusal.reason == "OFFER_ACCEPTED"


async def test_work_that_nobody_wants_is_unfulfillable(world, order_id):
    work = await world.given_work(order_id)
    (work,) = await reject_offers([reject(work.live_offer)], **world.offering)

    (answer,) = await reject_offers([reject(work.live_offer)], **world.offering)

    assert answer.status is FulfillmentOrderStatus.UNFULFILLABLE
    assert answer.request_status is RequestStatus.REJECTED
    assert world.told()[-2:] == ["OfferRejected", "FulfillmentOrderUnfulfillable"]


async def test_an_offer_that_nobody_answers_expires(world, order_id):
    await world.given_work(order_id)
    world.later(seconds=30)

    expired = await expire_offers(**world.offering)

    (work,) = world.work_on(order_id)
    assert expired == 1
    assert [offer.state for offer in work.offers] == [OfferState.EXPIRED, OfferState.SUBMITTED]
    assert await next_expiry(uow=world.uow) == work.live_offer.expires_at


async def test_an_offer_does_not_expire_before_its_time(world, order_id):
    await world.given_work(order_id)
    world.later(seconds=29)

    expired = await expire_offers(**world.offering)

    assert expired == 0
