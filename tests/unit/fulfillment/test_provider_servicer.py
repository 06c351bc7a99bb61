"""What is seen of providers from outside."""

from uuid import UUID

import pytest

from chassis.kernel.errors import InvalidInput
from retail.fulfillment.v1 import provider_service_pb2 as pb
from services.fulfillment.domain import refusals
from services.fulfillment.domain.ranking import USUAL_WEIGHTS
from services.fulfillment.entrypoints.provider_servicer import ProviderServicer


@pytest.fixture
def servicer(world):
    return ProviderServicer(**world.offering, weights=USUAL_WEIGHTS)


async def test_a_provider_is_shown_with_how_it_does(world, servicer, order_id):
    world.given_provider("ace", daily_capacity=5)
    await world.given_accepted_work(order_id)

    answer = await servicer.GetProvider(pb.GetProviderRequest(provider_id="ace"), None)

    assert answer.provider.daily_capacity == 5
    assert answer.performance == pb.ProviderPerformance(
        offers=1, accepted=1, score=1.0, taken_today=1, day="2026-03-02"
    )


async def test_a_suspended_provider_gets_no_offers_until_it_is_resumed(world, servicer):
    world.given_provider("ace")
    asked = pb.RankProvidersRequest(country_code="GB")

    suspended = await servicer.SuspendProvider(
        pb.SuspendProviderRequest(provider_id="ace", reason="strike"), None
    )
    (out,) = (await servicer.RankProviders(asked, None)).providers
    resumed = await servicer.ResumeProvider(pb.ResumeProviderRequest(provider_id="ace"), None)
    (back,) = (await servicer.RankProviders(asked, None)).providers

    assert (suspended.provider.suspended, suspended.provider.suspension_reason) == (True, "strike")
    assert (resumed.provider.suspended, resumed.provider.suspension_reason) == (False, "")
    assert (out.excluded, back.excluded) == ("SUSPENDED", "")
    assert back.factors == pb.RankingFactors(cost=1.0, score=1.0, capacity=1.0, total=1.0)


async def test_offers_are_explained_in_the_order_they_were_made(world, servicer, order_id):
    world.given_provider("ace", rank=1)
    work = await world.given_work(order_id)

    answer = await servicer.ExplainOffers(
        pb.ExplainOffersRequest(fulfillment_order_id=str(work.id)), None
    )

    (explained,) = answer.offers
    assert (explained.offer_id, explained.provider_id) == (str(work.live_offer.id), "ace")
    assert [(some.provider_id, some.factors.rank) for some in explained.providers] == [("ace", 1)]


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("GetProvider", pb.GetProviderRequest(provider_id="Ace"), "provider_id"),
        ("SuspendProvider", pb.SuspendProviderRequest(), "provider_id"),
        (
            "SuspendProvider",
            pb.SuspendProviderRequest(provider_id="ace", reason="x" * 201),
            "reason",
        ),
        ("ResumeProvider", pb.ResumeProviderRequest(), "provider_id"),
        ("RankProviders", pb.RankProvidersRequest(country_code="gb"), "country_code"),
        (
            "RankProviders",
            pb.RankProvidersRequest(country_code="GB", service_level=7),
            "service_level",
        ),
        ("ExplainOffers", pb.ExplainOffersRequest(), "fulfillment_order_id"),
    ],
)
async def test_what_is_malformed_is_refused_by_the_name_of_its_field(
    servicer, method, request_, field
):
    with pytest.raises(InvalidInput) as refusal:
        await getattr(servicer, method)(request_, None)

    assert refusal.value.field == field


async def test_a_provider_that_there_is_not_is_not_found(servicer):
    request = pb.GetProviderRequest(provider_id="ace")

    with pytest.raises(refusals.ProviderNotFound):
        await servicer.GetProvider(request, None)


async def test_work_that_there_is_not_is_not_explained(servicer):
    request = pb.ExplainOffersRequest(fulfillment_order_id=str(UUID(int=7)))

    with pytest.raises(refusals.FulfillmentOrderNotFound):
        await servicer.ExplainOffers(request, None)
