import asyncio
from uuid import UUID

import pytest
from google.rpc.error_details_pb2 import BadRequest
from google.type.money_pb2 import Money

from chassis.kernel.errors import InvalidInput
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.application.reject_offers import RejectOffer, reject_offers
from services.fulfillment.domain.values import Goods, ProviderId
from services.fulfillment.entrypoints.batches import Shared, answer_each
from services.fulfillment.wire.offers import acceptances_from_wire
from services.fulfillment.wire.orders import order_to_wire, result_to_wire
from services.fulfillment.wire.providers import provider_from_wire, provider_to_wire
from services.fulfillment.wire.shipments import dispatches_from_wire

ID = str(UUID(int=1))


def dispatch_of(*lines):
    parcel = pb.Dispatch(shipment_id=ID, fulfillment_order_id=ID, lines=lines)
    return pb.DispatchShipmentsRequest(provider_id="ace", dispatches=[parcel])


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (pb.FulfillmentLine(sku="LAMP"), "dispatches[0].lines[1].quantity"),
        (pb.FulfillmentLine(quantity=1), "dispatches[0].lines[1].sku"),
    ],
)
def test_a_malformed_entry_is_refused_with_the_path_of_the_field(line, field):
    request = dispatch_of(pb.FulfillmentLine(sku="MUG", quantity=1), line)

    (refusal,) = dispatches_from_wire(request)

    violation = BadRequest()
    result_to_wire(refusal).error.details[1].Unpack(violation)
    assert violation.field_violations[0].field == field


async def test_one_malformed_entry_does_not_reach_the_use_case_and_the_others_do():
    request = pb.AcceptOffersRequest(provider_id="ace", offer_ids=["nonsense", ID])

    async def echo(commands):
        return commands

    refusal, command = await answer_each(acceptances_from_wire(request), echo)

    assert refusal.field == "offer_ids[0]"
    assert command.offer_id == UUID(ID)


async def test_lone_entries_that_come_together_share_a_batch():
    sizes = []

    async def shout(commands):
        sizes.append(len(commands))
        return [command.upper() for command in commands]

    shared = Shared(shout)
    answers = await asyncio.gather(*(shared([word]) for word in "abcdef"))

    assert answers == [[word] for word in "ABCDEF"]
    assert len(sizes) < 6


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_has_1_to_500_entries(count):
    request = pb.AcceptOffersRequest(provider_id="ace", offer_ids=[ID] * count)

    with pytest.raises(InvalidInput) as refusal:
        acceptances_from_wire(request)

    assert refusal.value.reason == "BATCH_SIZE_OUT_OF_RANGE"


def ace(**fields):
    return pb.Provider(provider_id="ace", name="Ace", **fields)


def terms(**fields):
    return ace(service_terms=[pb.ServiceTerms(), pb.ServiceTerms(**fields)])


def hours(**changes):
    fields = {"time_zone": "Europe/London", "weekdays": [1], "cutoff": "16:00"} | changes
    return ace(working_hours=pb.WorkingHours(**fields))


@pytest.mark.parametrize(
    ("provider", "field"),
    [
        (pb.Provider(provider_id="Ace", name="Ace"), "provider.provider_id"),
        (pb.Provider(provider_id="ace"), "provider.name"),
        (pb.Provider(provider_id="ace", name="A\0ce"), "provider.name"),
        (pb.Provider(provider_id="ace", name="Ace", regions=["GB", "fr"]), "provider.regions[1]"),
        (ace(daily_capacity=-1), "provider.daily_capacity"),
        (ace(suspended=True, suspension_reason="x" * 201), "provider.suspension_reason"),
        (terms(service_level=3), "provider.service_terms[1].service_level"),
        (terms(), "provider.service_terms[1].service_level"),
        (terms(cost=Money(currency_code="EUR", units=-1)), "provider.service_terms[1].cost"),
        (terms(cost=Money(currency_code="eur")), "provider.service_terms[1].cost"),
        (terms(transit_days_min=-1), "provider.service_terms[1].transit_days_min"),
        (terms(transit_days_max=61), "provider.service_terms[1].transit_days_max"),
        (terms(transit_days_min=2), "provider.service_terms[1].transit_days_max"),
        (hours(time_zone="Europe/Atlantis"), "provider.working_hours.time_zone"),
        (hours(time_zone="../zone.tab"), "provider.working_hours.time_zone"),
        # What it means differs by machine.
        (hours(time_zone="localtime"), "provider.working_hours.time_zone"),
        (hours(weekdays=[]), "provider.working_hours.weekdays"),
        (hours(weekdays=[1, 1]), "provider.working_hours.weekdays"),
        (hours(weekdays=[0]), "provider.working_hours.weekdays"),
        (hours(cutoff="24:00"), "provider.working_hours.cutoff"),
        (hours(cutoff="9:00"), "provider.working_hours.cutoff"),
        (hours(holidays=["2026-12-25", "2026-02-30"]), "provider.working_hours.holidays[1]"),
        (hours(holidays=["20261225"]), "provider.working_hours.holidays[0]"),
        (hours(holidays=["2026-12-25"] * 101), "provider.working_hours.holidays"),
    ],
)
def test_a_malformed_provider_is_refused_with_the_path_of_the_field(provider, field):
    with pytest.raises(InvalidInput) as refusal:
        provider_from_wire(provider)

    assert refusal.value.field == field


def test_a_provider_comes_back_from_the_wire_as_it_was():
    full = ace(
        regions=["FR", "GB"],
        rank=2,
        suspended=True,
        suspension_reason="holidays",
        service_terms=[
            pb.ServiceTerms(
                service_level=pb.SERVICE_LEVEL_EXPRESS,
                cost=Money(currency_code="EUR", units=4, nanos=500_000_000),
                transit_days_max=1,
            )
        ],
        daily_capacity=40,
        working_hours=pb.WorkingHours(
            time_zone="Europe/London", weekdays=[1, 6], cutoff="14:30", holidays=["2026-12-25"]
        ),
    )

    assert provider_to_wire(provider_from_wire(full)) == full


def test_a_provider_that_says_little_works_as_is_usual():
    wire = provider_to_wire(provider_from_wire(ace()))

    (usual,) = wire.service_terms
    assert (usual.service_level, usual.HasField("cost")) == (pb.SERVICE_LEVEL_STANDARD, False)
    assert (usual.transit_days_min, usual.transit_days_max) == (1, 5)
    assert list(wire.working_hours.weekdays) == [1, 2, 3, 4, 5]
    assert (wire.working_hours.time_zone, wire.working_hours.cutoff) == ("UTC", "16:00")


def test_a_dispatch_keeps_what_its_lines_say():
    line = pb.FulfillmentLine(sku="LAMP", quantity=2)

    (command,) = dispatches_from_wire(dispatch_of(line))

    assert command.goods == (Goods(Sku("LAMP"), Quantity(2)),)


async def test_a_provider_does_not_see_what_others_were_offered(world, order_id):
    world.given_provider("first", rank=1)
    world.given_provider("second", rank=2)
    work = await world.given_work(order_id)
    offer = work.live_offer
    rejection = RejectOffer(offer_id=offer.id, provider_id=offer.provider_id, reason="too far")
    (work,) = await reject_offers([rejection], **world.offering)

    wire = order_to_wire(work, seen_by=ProviderId("first"))

    assert [offered.provider_id for offered in wire.offers] == ["first"]
    assert len(order_to_wire(work).offers) == 2
