"""What came back of orders, on the wire: as events tell it, and as orders show it."""

from uuid import UUID

from chassis.kernel.text import Sku
from chassis.rpc.money import money_to_wire
from retail.fulfillment.v1 import fulfillment_events_pb2 as events_pb
from retail.order.v1 import order_service_pb2 as pb
from services.order.application.returns.note_returns import NoteReturn
from services.order.domain.order_return import (
    OrderReturn,
    Resolution,
    ReturnedGoods,
    ReturnKind,
)
from services.order.domain.values import LocationId, OrderId, ReturnId


def note_return_from_wire(event: events_pb.ReturnReceived) -> NoteReturn:
    return NoteReturn(
        return_id=ReturnId(UUID(event.return_id)),
        order_id=OrderId(UUID(event.order_id)),
        kind=ReturnKind(event.kind),
        resolution=Resolution(event.resolution),
        location_id=LocationId(event.location_id),
        goods=tuple(
            ReturnedGoods(
                sku=Sku(some.sku),
                sellable=some.sellable,
                damaged=some.damaged,
                accepted=some.accepted,
                reason=some.reason,
            )
            for some in event.goods
        ),
    )


def return_to_wire(taken: OrderReturn) -> pb.OrderReturn:
    wire = pb.OrderReturn(
        return_id=str(taken.id),
        state=f"ORDER_RETURN_STATE_{taken.state}",
        kind=taken.kind,
        lines=[
            pb.OrderReturnLine(number=number, quantity=units)
            for number, units in taken.units.items()
        ],
        replacement_order_id=str(taken.replacement_id) if taken.replacement_id else "",
    )
    if taken.refund and taken.is_owed:
        wire.refund.CopyFrom(money_to_wire(taken.refund.value))
        wire.shipping.CopyFrom(money_to_wire(taken.refund.shipping))
    return wire
