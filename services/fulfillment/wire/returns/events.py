"""Events of returns on the wire."""

from google.protobuf.message import Message

from retail.fulfillment.v1 import fulfillment_events_pb2 as events_pb
from services.fulfillment.domain.returns.events import (
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnDeclined,
    ReturnEvent,
    ReturnReceived,
    ReturnRequested,
)
from services.fulfillment.wire.events import goods_to_wire


def return_event_to_wire(event: ReturnEvent) -> Message:
    id_, order = str(event.return_id), str(event.order_id)
    match event:
        case ReturnRequested():
            return events_pb.ReturnRequested(
                return_id=id_,
                order_id=order,
                account_id=event.account_id,
                kind=event.kind,
                goods=goods_to_wire(event.goods),
            )
        case ReturnApproved():
            return events_pb.ReturnApproved(return_id=id_, order_id=order)
        case ReturnDeclined():
            return events_pb.ReturnDeclined(return_id=id_, order_id=order, reason=event.reason)
        case ReturnReceived():
            return events_pb.ReturnReceived(
                return_id=id_,
                order_id=order,
                account_id=event.account_id,
                kind=event.kind,
                resolution=event.resolution,
                location_id=event.location_id,
                goods=[
                    events_pb.ReturnedGoods(
                        sku=some.sku,
                        sellable=some.sellable,
                        damaged=some.damaged,
                        accepted=some.accepted,
                        reason=some.reason,
                    )
                    for some in event.goods
                ],
            )
        case ReturnClosed():
            return events_pb.ReturnClosed(return_id=id_, order_id=order)
        case ReturnCancelled():
            return events_pb.ReturnCancelled(return_id=id_, order_id=order, reason=event.reason)
