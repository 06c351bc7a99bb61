import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.rpc.error_details_pb2 import BadRequest

from chassis.kernel.errors import InvalidInput
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.domain.values import Goods, ProviderId
from services.fulfillment.entrypoints.batches import Shared, answer_each
from services.fulfillment.wire.offers import acceptances_from_wire
from services.fulfillment.wire.orders import order_to_wire, result_to_wire
from services.fulfillment.wire.providers import provider_from_wire
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


@pytest.mark.parametrize(
    ("provider", "field"),
    [
        (pb.Provider(provider_id="Ace", name="Ace"), "provider.provider_id"),
        (pb.Provider(provider_id="ace"), "provider.name"),
        (pb.Provider(provider_id="ace", name="A\0ce"), "provider.name"),
        (pb.Provider(provider_id="ace", name="Ace", regions=["GB", "fr"]), "provider.regions[1]"),
    ],
)
def test_a_malformed_provider_is_refused_with_the_path_of_the_field(provider, field):
    with pytest.raises(InvalidInput) as refusal:
        provider_from_wire(provider)

    assert refusal.value.field == field


def test_a_dispatch_keeps_what_its_lines_say():
    line = pb.FulfillmentLine(sku="LAMP", quantity=2)

    (command,) = dispatches_from_wire(dispatch_of(line))

    assert command.goods == (Goods(Sku("LAMP"), Quantity(2)),)


async def test_a_provider_does_not_see_what_others_were_offered(world, order_id):
    world.given_provider("first", rank=1)
    world.given_provider("second", rank=2)
    work = await world.given_work(order_id)
    offer = work.live_offer
    work.reject(offer.id, offer.provider_id, "too far")
    work.seek_provider(
        world.providers.values(), offer_id=order_id, expires_at=datetime(2026, 3, 1, tzinfo=UTC)
    )

    wire = order_to_wire(work, seen_by=ProviderId("first"))

    assert [offered.provider_id for offered in wire.offers] == ["first"]
    assert len(order_to_wire(work).offers) == 2
