"""How returns stand, on the wire."""

from chassis.kernel.errors import DomainError
from chassis.rpc.errors import status_from_error
from chassis.rpc.money import money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from retail.fulfillment.v1 import return_service_pb2 as pb
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.line import ReturnLine
from services.fulfillment.wire.fields import DOMAIN


def return_result_to_wire(answer: Return | DomainError) -> pb.ReturnResult:
    if isinstance(answer, DomainError):
        return pb.ReturnResult(error=status_from_error(answer, DOMAIN))
    return pb.ReturnResult(customer_return=return_to_wire(answer))


def return_to_wire(some: Return) -> pb.Return:
    return pb.Return(
        return_id=str(some.id),
        order_id=str(some.order_id),
        account_id=some.account_id,
        kind=f"RETURN_KIND_{some.kind}",
        state=f"RETURN_STATE_{some.state}",
        resolution=f"RESOLUTION_{some.resolution}",
        lines=[_line_to_wire(line) for line in some.lines],
        location_id=some.location_id,
        create_time=timestamp_to_wire(some.created_at),
        due_time=timestamp_to_wire(some.due_at) if some.due_at else None,
        reason=some.reason,
        tracking_number=some.tracking_number,
        shipment_id=str(some.shipment_id or ""),
        refunded=money_to_wire(some.refunded) if some.refunded else None,
        replacement_order_id=str(some.replacement_order_id or ""),
        to_be_sent_back=some.to_be_sent_back,
        version=some.version,
    )


def _line_to_wire(line: ReturnLine) -> pb.ReturnLine:
    return pb.ReturnLine(
        sku=line.sku,
        quantity=line.units,
        reason=f"RETURN_REASON_{line.wanted.reason}",
        comment=line.wanted.comment,
        sellable=line.sellable,
        damaged=line.damaged,
        missing=line.missing,
        refused=line.refused,
    )
