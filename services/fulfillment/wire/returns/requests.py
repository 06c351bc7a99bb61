"""What customers ask for, on the wire."""

from collections.abc import Collection, Sequence

from chassis.kernel.errors import InvalidInput
from chassis.kernel.text import check_words
from retail.fulfillment.v1 import return_service_pb2 as pb
from services.fulfillment.application.returns.cancel_return import CancelReturn
from services.fulfillment.application.returns.request_claims import RequestClaim
from services.fulfillment.application.returns.request_returns import RequestReturn
from services.fulfillment.domain.returns.line import WantedLine
from services.fulfillment.domain.returns.values import Resolution, ReturnReason
from services.fulfillment.wire.fields import goods_from_wire, order_id_from_wire
from services.fulfillment.wire.returns.fields import (
    account_id_from_wire,
    one_of,
    return_id_from_wire,
)

MOST_LINES = 500
LONGEST_COMMENT = 500

# What did not arrive can't be sent back.
RETURNABLE = tuple(
    reason
    for reason in ReturnReason
    if reason not in (ReturnReason.LOST, ReturnReason.UNDELIVERABLE)
)
CLAIMABLE = (ReturnReason.DAMAGED, ReturnReason.WRONG_ITEM, ReturnReason.LOST)


class ReturnLinesOutOfRange(InvalidInput):
    pass


class SkuRepeated(InvalidInput):
    pass


def return_from_wire(request: pb.RequestReturnRequest) -> RequestReturn:
    return RequestReturn(
        return_id=return_id_from_wire(request.return_id, "return_id"),
        order_id=order_id_from_wire(request.order_id, "order_id"),
        account_id=account_id_from_wire(request.account_id),
        lines=_lines(request.lines, RETURNABLE),
    )


def claim_from_wire(request: pb.RequestClaimRequest) -> RequestClaim:
    return RequestClaim(
        return_id=return_id_from_wire(request.return_id, "return_id"),
        order_id=order_id_from_wire(request.order_id, "order_id"),
        account_id=account_id_from_wire(request.account_id),
        resolution=one_of(pb.Resolution, request.resolution, tuple(Resolution), "resolution"),
        lines=_lines(request.lines, CLAIMABLE),
    )


def giving_up_from_wire(request: pb.CancelReturnRequest) -> CancelReturn:
    return CancelReturn(
        return_id=return_id_from_wire(request.return_id, "return_id"),
        account_id=account_id_from_wire(request.account_id),
    )


def _lines(
    wires: Sequence[pb.WantedReturnLine], reasons: Collection[ReturnReason]
) -> tuple[WantedLine, ...]:
    if not 1 <= len(wires) <= MOST_LINES:
        raise ReturnLinesOutOfRange(f"lines must be 1 to {MOST_LINES}", field="lines")
    lines: dict[str, WantedLine] = {}
    for number, wire in enumerate(wires):
        path = f"lines[{number}]"
        if wire.sku in lines:
            raise SkuRepeated(f"{path}.sku is in lines before", field=f"{path}.sku")
        goods = goods_from_wire(wire.sku, wire.quantity, path)
        lines[wire.sku] = WantedLine(
            sku=goods.sku,
            quantity=goods.quantity,
            reason=one_of(pb.ReturnReason, wire.reason, reasons, f"{path}.reason"),
            comment=check_words(wire.comment, f"{path}.comment", most=LONGEST_COMMENT),
        )
    return tuple(lines.values())
