import pytest

from retail.order.v1 import order_service_pb2 as pb
from services.order.domain.order import LinesOutOfRange
from services.order.entrypoints.servicer import OrderServicer


async def test_a_batch_with_more_lines_than_an_answer_holds_is_refused_as_a_whole(world):
    servicer = OrderServicer(uow=world.uow, catalog=world, changes=None, clock=world.clock)
    long = pb.PlaceOrderRequest(lines=[pb.OrderLineRequest(sku="LAMP", quantity=1)] * 2_000)

    with pytest.raises(LinesOutOfRange) as refusal:
        await servicer.BatchPlaceOrders(pb.BatchPlaceOrdersRequest(requests=[long] * 11), None)

    assert refusal.value.field == "requests"
    assert not world.orders
