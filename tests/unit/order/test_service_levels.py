"""How fast an order is to arrive: said when it is placed, shown, and passed on."""

import pytest

from retail.common.v1.address_pb2 import Address
from retail.order.v1 import order_service_pb2 as pb
from services.order.domain.values import ServiceLevel
from services.order.wire.orders import ServiceLevelUnknown, place_order_from_wire


def placed(service_level):
    request = pb.PlaceOrderRequest(
        request_id="6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        account_id="shop-1",
        channel=pb.CHANNEL_BUSINESS,
        psp_token="tok_visa",
        ship_to=Address(name="Ada", country_code="GB"),
        service_level=service_level,
    )
    return place_order_from_wire(request, trace="")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (pb.SERVICE_LEVEL_UNSPECIFIED, ServiceLevel.STANDARD),
        (pb.SERVICE_LEVEL_STANDARD, ServiceLevel.STANDARD),
        (pb.SERVICE_LEVEL_EXPRESS, ServiceLevel.EXPRESS),
    ],
)
def test_whoever_says_nothing_means_standard(said, meant):
    assert placed(said).service_level is meant


def test_a_service_level_that_is_none_is_refused():
    with pytest.raises(ServiceLevelUnknown) as refusal:
        placed(3)

    assert refusal.value.field == "service_level"
