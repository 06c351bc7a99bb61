"""What fulfillment tells of returns, and what orders show of them."""

from uuid import UUID

import pytest

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.rpc.money import money_to_wire
from retail.fulfillment.v1 import fulfillment_events_pb2 as events_pb
from retail.order.v1 import order_service_pb2 as pb
from services.order.application.place_orders import place_orders
from services.order.domain.values import Goods, OrderStatus, ShipmentId
from services.order.entrypoints.subscriptions import subscriptions
from services.order.wire.orders import order_to_wire
from tests.unit.order.returns_memory import ReturnWorld, return_id
from tests.unit.order.stories import deliver, dispatch

LAMP = Sku("LAMP")
PARCEL, SECOND = ShipmentId(UUID(int=11)), ShipmentId(UUID(int=12))


@pytest.fixture
def world():
    return ReturnWorld()


@pytest.fixture
async def order_id(world, a_command):
    command = a_command(shipping=Money(5_00, "EUR"))
    (order,) = await place_orders([command], uow=world.uow, catalog=world, clock=world.clock)
    await world.run_due()
    await dispatch(world, order.id, PARCEL, Goods(sku=LAMP, units=2))
    await dispatch(world, order.id, SECOND, Goods(sku=LAMP, units=1))
    await deliver(world, order.id, PARCEL)
    return order.id


async def hear(world, event):
    handlers = {s.message: s.handler for s in subscriptions(lambda tx: tx, world.clock)}
    async with world.uow() as tx:
        await handlers[type(event)]([event], tx)
    await world.run_due()


def received(order_id, **said):
    lamps = events_pb.ReturnedGoods(sku="LAMP", sellable=1, damaged=1, accepted=2, reason="DAMAGED")
    return events_pb.ReturnReceived(
        return_id=str(return_id(1)),
        order_id=str(order_id),
        account_id="shop-1",
        **{
            "kind": "RETURN",
            "resolution": "REFUND",
            "location_id": "main",
            "goods": [lamps],
            **said,
        },
    )


async def test_an_order_shows_what_came_back_and_what_is_paid_back(world, order_id):
    await hear(world, received(order_id))

    (shown,) = order_to_wire(world.orders[order_id]).returns
    assert shown == pb.OrderReturn(
        return_id=str(return_id(1)),
        state=pb.ORDER_RETURN_STATE_SETTLED,
        kind="RETURN",
        lines=[pb.OrderReturnLine(number=1, quantity=2)],
        refund=money_to_wire(Money(20_00, "EUR")),
        shipping=money_to_wire(Money(0, "EUR")),
    )


async def test_what_is_replaced_shows_on_both_orders(world, order_id):
    await hear(world, received(order_id, kind="CLAIM", resolution="REPLACEMENT", location_id=""))

    (shown,) = order_to_wire(world.orders[order_id]).returns
    assert not shown.HasField("refund")
    assert shown.state == pb.ORDER_RETURN_STATE_SETTLING
    by = next(order for order in world.orders.values() if order.id != order_id)
    assert shown.replacement_order_id == str(by.id)
    assert order_to_wire(by).for_return_id == shown.return_id
    assert order_to_wire(by).payment_status == pb.PAYMENT_STATUS_NONE


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (events_pb.ShipmentLost, "lose_time"),
        (events_pb.ShipmentReturnedToSender, "return_time"),
    ],
)
async def test_a_parcel_that_is_gone_shows_when(world, order_id, message, field):
    event = message(order_id=str(order_id), shipment_id=str(SECOND))
    getattr(event, field).FromDatetime(world.now)

    await hear(world, event)

    assert world.orders[order_id].status is OrderStatus.COMPLETED
    first, second = order_to_wire(world.orders[order_id]).shipments
    assert first.HasField("deliver_time")
    assert not first.HasField("lose_time")
    assert second.lose_time.ToDatetime(world.now.tzinfo) == world.now
    assert not second.HasField("deliver_time")


async def test_a_return_of_a_kind_that_nobody_knows_is_not_taken_for_another(world, order_id):
    with pytest.raises(ValueError, match="SOMETHING"):
        await hear(world, received(order_id, kind="SOMETHING"))

    assert not world.orders[order_id].returns
