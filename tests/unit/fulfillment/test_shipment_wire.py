from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.kernel.errors import InvalidInput
from chassis.rpc.errors import reason_of, status_from_error
from retail.fulfillment.v1 import fulfillment_service_pb2 as fulfillment_pb
from retail.fulfillment.v1 import shipment_service_pb2 as pb
from services.fulfillment.domain import refusals
from services.fulfillment.domain.tracking import TrackingState
from services.fulfillment.entrypoints.shipment_servicer import ShipmentServicer
from services.fulfillment.wire.packing import packings_from_wire, unpackings_from_wire
from services.fulfillment.wire.tracking import tracking_from_wire

ID = str(UUID(int=100))
NOON = Timestamp(seconds=1_772_366_400)


@pytest.fixture
def servicer(world):
    return ShipmentServicer(uow=world.uow, labels=world.printer, clock=world.clock)


@pytest.fixture
async def work(world, order_id):
    world.given_provider("ace")
    return await world.given_accepted_work(order_id)


def packing(**fields):
    return pb.Packing(**{"shipment_id": ID, "fulfillment_order_id": ID, **fields})


def tracking(**fields):
    given = {"event_id": "e1", "shipment_id": ID, "state": "TRACKING_STATE_IN_TRANSIT"}
    return pb.TrackingEvent(**{**given, "occur_time": NOON, **fields})


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        (packing(shipment_id="x"), "shipment_id"),
        (packing(fulfillment_order_id="x"), "fulfillment_order_id"),
        (packing(weight_grams=-1), "weight_grams"),
        (packing(weight_grams=1_000_001), "weight_grams"),
        (packing(carrier="x" * 65), "carrier"),
        (packing(lines=[fulfillment_pb.FulfillmentLine(sku="LAMP")]), "lines[0].quantity"),
    ],
)
def test_a_malformed_packing_is_refused_with_the_path_of_the_field(wire, field):
    request = pb.PackShipmentsRequest(provider_id="ace", packings=[packing(), wire])

    good, refusal = packings_from_wire(request)

    assert not isinstance(good, InvalidInput)
    assert refusal.field == f"packings[1].{field}"


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        (tracking(event_id=""), ".event_id"),
        (tracking(event_id="x" * 101), ".event_id"),
        (tracking(shipment_id="x"), ".shipment_id"),
        (tracking(shipment_id=""), ""),
        (tracking(tracking_number="x" * 201), ".tracking_number"),
        (tracking(state="TRACKING_STATE_UNSPECIFIED"), ".state"),
        (tracking(state=99), ".state"),
        (tracking(occur_time=Timestamp(seconds=-62_135_596_800)), ".occur_time"),
        (tracking(place="x" * 201), ".place"),
        (tracking(description="\0"), ".description"),
        # Whoever delivers writes what comes to mind.
        (tracking(place="till, card 4242 4242 4242 4242"), ".place"),
        (tracking(description="paid by 4242424242424242"), ".description"),
    ],
)
def test_a_malformed_tracking_event_is_refused_with_the_path_of_the_field(wire, field):
    good, refusal = tracking_from_wire(pb.RecordTrackingRequest(events=[tracking(), wire]))

    assert not isinstance(good, InvalidInput)
    assert refusal.field == f"events[1]{field}"


def test_every_tracking_state_of_the_contract_is_known():
    names = fulfillment_pb.TrackingState.keys()

    assert {f"TRACKING_STATE_{state}" for state in TrackingState} == {*names} - {
        "TRACKING_STATE_UNSPECIFIED"
    }


def test_a_malformed_provider_is_refused_as_a_whole():
    with pytest.raises(InvalidInput):
        unpackings_from_wire(pb.UnpackShipmentsRequest(provider_id="ACE"))


async def test_a_parcel_is_shown_with_all_that_is_known_of_it(servicer, work):
    wire = packing(fulfillment_order_id=str(work.id), weight_grams=5, carrier="post")
    await servicer.PackShipments(pb.PackShipmentsRequest(provider_id="ace", packings=[wire]), None)

    answer = await servicer.RecordTracking(pb.RecordTrackingRequest(events=[tracking()]), None)

    (shipment,) = answer.results[0].fulfillment_order.shipments
    assert shipment.state == fulfillment_pb.SHIPMENT_STATE_PACKED
    assert (shipment.weight_grams, shipment.carrier) == (5, "post")
    assert shipment.tracking_number == "N1"
    assert shipment.tracking_state == fulfillment_pb.TRACKING_STATE_IN_TRANSIT
    assert shipment.tracking_time == NOON
    assert shipment.HasField("pack_time")
    assert not shipment.HasField("dispatch_time")
    listed = await servicer.ListTracking(pb.ListTrackingRequest(shipment_id=ID), None)
    assert list(listed.events) == [tracking()]
    label = await servicer.GetLabel(pb.GetLabelRequest(shipment_id=ID), None)
    assert (label.tracking_number, label.media_type) == ("N1", "text/plain")


async def test_every_verb_answers_each_entry_on_its_own(servicer, work):
    ref = pb.ShipmentRef(fulfillment_order_id=str(work.id), shipment_id=ID)
    packed = pb.PackShipmentsRequest(
        provider_id="ace", packings=[packing(fulfillment_order_id=str(work.id)), packing()]
    )

    answers = [
        await servicer.PackShipments(packed, None),
        await servicer.LoseShipments(pb.LoseShipmentsRequest(shipments=[ref]), None),
        await servicer.ReturnShipmentsToSender(
            pb.ReturnShipmentsToSenderRequest(shipments=[ref]), None
        ),
        await servicer.UnpackShipments(
            pb.UnpackShipmentsRequest(provider_id="ace", shipments=[ref, ref]), None
        ),
    ]

    reasons = [reason_of(result.error) for answer in answers for result in answer.results]
    assert reasons == [
        *("", "FULFILLMENT_ORDER_NOT_FOUND"),
        *("SHIPMENT_NOT_DISPATCHED", "SHIPMENT_NOT_DISPATCHED"),
        *("", "SHIPMENT_NOT_FOUND"),
    ]


async def test_a_label_of_no_parcel_is_not_found(servicer):
    with pytest.raises(refusals.ShipmentNotFound):
        await servicer.GetLabel(pb.GetLabelRequest(shipment_id=ID), None)


def test_a_label_that_is_being_made_is_worth_asking_for_again():
    refusal = refusals.LabelNotReady("soon")

    assert status_from_error(refusal, "x").code == grpc.StatusCode.ABORTED.value[0]
