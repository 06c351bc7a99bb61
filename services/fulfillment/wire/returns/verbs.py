"""What the shop, the warehouse and the order service say of returns, on the wire."""

from collections.abc import Sequence

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.text import check_text, check_words
from chassis.rpc.money import money_from_wire
from retail.fulfillment.v1 import return_service_pb2 as pb
from services.fulfillment.application.returns.approve_returns import ApproveReturn
from services.fulfillment.application.returns.close_returns import CloseReturn
from services.fulfillment.application.returns.decline_returns import DeclineReturn
from services.fulfillment.application.returns.ports import Receipt
from services.fulfillment.application.returns.send_returns_back import SendReturnBack
from services.fulfillment.domain.returns.line import Count
from services.fulfillment.domain.returns.values import Disposition, ReceiptId
from services.fulfillment.domain.values import OrderId
from services.fulfillment.wire.fields import entries_from_wire, goods_from_wire
from services.fulfillment.wire.returns.fields import one_of, return_id_from_wire

# As many lines as a return has, each in every condition.
MOST_COUNTS = 500 * len(Disposition)


class CountsOutOfRange(InvalidInput):
    pass


class CountRepeated(InvalidInput):
    pass


class RefundNegative(InvalidInput):
    pass


def approvals_from_wire(request: pb.ApproveReturnsRequest) -> list[ApproveReturn | DomainError]:
    def approval(return_id: str, field: str) -> ApproveReturn:
        return ApproveReturn(return_id=return_id_from_wire(return_id, field))

    return entries_from_wire(request.return_ids, "return_ids", approval)


def declines_from_wire(request: pb.DeclineReturnsRequest) -> list[DeclineReturn | DomainError]:
    def decline(wire: pb.Decline, field: str) -> DeclineReturn:
        return DeclineReturn(
            return_id=return_id_from_wire(wire.return_id, f"{field}.return_id"),
            reason=check_words(wire.reason, f"{field}.reason", least=1, most=200),
        )

    return entries_from_wire(request.declines, "declines", decline)


def receipts_from_wire(request: pb.ReceiveReturnsRequest) -> list[Receipt | DomainError]:
    return entries_from_wire(request.receipts, "receipts", _receipt)


def send_backs_from_wire(request: pb.SendReturnsBackRequest) -> list[SendReturnBack | DomainError]:
    def send_back(wire: pb.SendBack, field: str) -> SendReturnBack:
        return SendReturnBack(
            return_id=return_id_from_wire(wire.return_id, f"{field}.return_id"),
            tracking_number=check_text(wire.tracking_number, f"{field}.tracking_number", most=200),
        )

    return entries_from_wire(request.send_backs, "send_backs", send_back)


def closings_from_wire(request: pb.CloseReturnsRequest) -> list[CloseReturn | DomainError]:
    return entries_from_wire(request.closings, "closings", _closing)


def _receipt(wire: pb.Receipt, field: str) -> Receipt:
    return Receipt(
        id=ReceiptId(parse_id(wire.receipt_id, f"{field}.receipt_id")),
        return_id=return_id_from_wire(wire.return_id, f"{field}.return_id"),
        counts=_counts(wire.counts, f"{field}.counts", least=0 if wire.is_last else 1),
        is_last=wire.is_last,
    )


def _counts(wires: Sequence[pb.CountedGoods], field: str, *, least: int) -> tuple[Count, ...]:
    if not least <= len(wires) <= MOST_COUNTS:
        raise CountsOutOfRange(f"{field} must be {least} to {MOST_COUNTS:,}", field=field)
    counts: dict[tuple[str, str], Count] = {}
    for number, wire in enumerate(wires):
        path = f"{field}[{number}]"
        goods = goods_from_wire(wire.sku, wire.quantity, path)
        disposition = one_of(
            pb.Disposition, wire.disposition, tuple(Disposition), f"{path}.disposition"
        )
        if (goods.sku, disposition) in counts:
            raise CountRepeated(f"{path} counts what {field} counted before", field=path)
        counts[goods.sku, disposition] = Count(
            sku=goods.sku, quantity=goods.quantity, disposition=disposition
        )
    # In one order, so that the same receipt is known whatever the order it is told in.
    return tuple(counts[key] for key in sorted(counts))


def _closing(wire: pb.Closing, field: str) -> CloseReturn:
    refunded = None
    if wire.HasField("refunded"):
        refunded = money_from_wire(wire.refunded, f"{field}.refunded")
        if refunded.minor_units < 0:
            path = f"{field}.refunded"
            raise RefundNegative(f"{path} must not be negative", field=path)
    replacement = wire.replacement_order_id
    return CloseReturn(
        return_id=return_id_from_wire(wire.return_id, f"{field}.return_id"),
        refunded=refunded,
        replacement_order_id=OrderId(parse_id(replacement, f"{field}.replacement_order_id"))
        if replacement
        else None,
    )
