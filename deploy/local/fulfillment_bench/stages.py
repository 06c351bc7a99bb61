"""What is asked of fulfillment, stage by stage: from an offer to a return that is closed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from deploy.local.fulfillment_bench.work import ACCOUNT, PROVIDER, SKU, Piece
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.fulfillment.v1 import return_service_pb2 as returns_pb


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """
    Attributes:
        name: What a piece of work is once it is done.
        method: The full gRPC method.
        request: Asks it for some pieces of work.
        answer: What it answers with; every one has `results`, unless it is of one piece.
        single: Whether a call carries one piece, whatever the load.
    """

    name: str
    method: str
    request: Callable[[Sequence[Piece]], Message]
    answer: Any
    single: bool = False


def accept(work: Sequence[Piece]) -> Message:
    return pb.AcceptOffersRequest(
        provider_id=PROVIDER, offer_ids=[piece.offer_id for piece in work]
    )


def dispatch(work: Sequence[Piece]) -> Message:
    dispatches = [
        pb.Dispatch(
            shipment_id=piece.shipment_id,
            fulfillment_order_id=piece.id,
            tracking_number=piece.shipment_id[:13],
        )
        for piece in work
    ]
    return pb.DispatchShipmentsRequest(provider_id=PROVIDER, dispatches=dispatches)


def deliver(work: Sequence[Piece]) -> Message:
    deliveries = [
        pb.Delivery(fulfillment_order_id=piece.id, shipment_id=piece.shipment_id) for piece in work
    ]
    return pb.DeliverShipmentsRequest(deliveries=deliveries)


def request_return(work: Sequence[Piece]) -> Message:
    (piece,) = work
    line = returns_pb.WantedReturnLine(
        sku=SKU, quantity=1, reason=returns_pb.RETURN_REASON_CHANGED_MIND
    )
    return returns_pb.RequestReturnRequest(
        account_id=ACCOUNT, order_id=piece.order_id, return_id=piece.return_id, lines=[line]
    )


def receive(work: Sequence[Piece]) -> Message:
    count = returns_pb.CountedGoods(
        sku=SKU, quantity=1, disposition=returns_pb.DISPOSITION_SELLABLE
    )
    receipts = [
        returns_pb.Receipt(
            receipt_id=piece.receipt_id, return_id=piece.return_id, counts=[count], is_last=True
        )
        for piece in work
    ]
    return returns_pb.ReceiveReturnsRequest(receipts=receipts)


def close(work: Sequence[Piece]) -> Message:
    closings = [returns_pb.Closing(return_id=piece.return_id) for piece in work]
    return returns_pb.CloseReturnsRequest(closings=closings)


_WORK = "/retail.fulfillment.v1.FulfillmentService"
_RETURNS = "/retail.fulfillment.v1.ReturnService"

WORK = (
    Stage(
        name="accepted",
        method=f"{_WORK}/AcceptOffers",
        request=accept,
        answer=pb.AcceptOffersResponse,
    ),
    Stage(
        name="dispatched",
        method=f"{_WORK}/DispatchShipments",
        request=dispatch,
        answer=pb.DispatchShipmentsResponse,
    ),
    Stage(
        name="delivered",
        method=f"{_WORK}/DeliverShipments",
        request=deliver,
        answer=pb.DeliverShipmentsResponse,
    ),
)
RETURNS = (
    Stage(
        name="return requested",
        method=f"{_RETURNS}/RequestReturn",
        request=request_return,
        answer=returns_pb.RequestReturnResponse,
        single=True,
    ),
    Stage(
        name="return received",
        method=f"{_RETURNS}/ReceiveReturns",
        request=receive,
        answer=returns_pb.ReceiveReturnsResponse,
    ),
    Stage(
        name="return closed",
        method=f"{_RETURNS}/CloseReturns",
        request=close,
        answer=returns_pb.CloseReturnsResponse,
    ),
)
STAGES = (*WORK, *RETURNS)
