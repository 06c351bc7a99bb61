"""What people in warehouses do, on the wire."""

from collections.abc import Mapping
from typing import Any

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.quantity import MOST_UNITS
from chassis.kernel.text import check_words, parse_sku
from chassis.rpc.errors import status_from_error
from retail.product.v1 import stock_service_pb2 as pb
from services.product.application.stock.adjust_stock import AdjustmentReason, AdjustStock
from services.product.application.stock.count_stock import CountedStock, CountStock
from services.product.application.stock.damage_stock import DamageStock
from services.product.application.stock.restore_stock import RestoreStock
from services.product.application.stock.return_stock import ReturnStock
from services.product.application.stock.return_stock_to_supplier import ReturnStockToSupplier
from services.product.application.stock.transfer_stock import TransferredStock, TransferStock
from services.product.domain.stock_item import StockCondition, StockItem
from services.product.domain.values import parse_location
from services.product.wire.fields import DOMAIN, quantity_from_wire
from services.product.wire.stock import stock_level_to_wire

LONGEST_NOTE = 500
MOST_COUNTED = 1_000_000_000

REASONS: Mapping[int, AdjustmentReason] = {
    getattr(pb, f"ADJUSTMENT_REASON_{reason}"): reason for reason in AdjustmentReason
}
CONDITIONS: Mapping[int, StockCondition] = {
    pb.STOCK_CONDITION_UNSPECIFIED: StockCondition.SELLABLE,
    **{getattr(pb, f"STOCK_CONDITION_{each}"): each for each in StockCondition},
}


class DeltaOutOfRange(InvalidInput):
    pass


class ReasonMissing(InvalidInput):
    pass


class ConditionUnknown(InvalidInput):
    pass


class CountOutOfRange(InvalidInput):
    pass


class LocationsEqual(InvalidInput):
    pass


def adjustment_from_wire(wire: pb.Adjustment, field: str) -> AdjustStock:
    if not 1 <= abs(wire.delta) <= MOST_UNITS:
        raise DeltaOutOfRange(
            f"{field}.delta must be 1 to {MOST_UNITS:,} units, more or less", field=f"{field}.delta"
        )
    if wire.reason not in REASONS:
        raise ReasonMissing(f"{field}.reason must say why", field=f"{field}.reason")
    return AdjustStock(
        request_id=parse_id(wire.request_id, f"{field}.request_id"),
        sku=parse_sku(wire.sku, f"{field}.sku"),
        location_id=parse_location(wire.location_id, f"{field}.location_id"),
        delta=wire.delta,
        reason=REASONS[wire.reason],
        condition=condition_from_wire(wire.condition, f"{field}.condition"),
        note=check_words(wire.note, f"{field}.note", most=LONGEST_NOTE),
    )


def transfer_from_wire(wire: pb.Transfer, field: str) -> TransferStock:
    if wire.from_location_id == wire.to_location_id:
        path = f"{field}.to_location_id"
        raise LocationsEqual(f"{path} must be another location", field=path)
    return TransferStock(
        request_id=parse_id(wire.request_id, f"{field}.request_id"),
        sku=parse_sku(wire.sku, f"{field}.sku"),
        from_location_id=parse_location(wire.from_location_id, f"{field}.from_location_id"),
        to_location_id=parse_location(wire.to_location_id, f"{field}.to_location_id"),
        quantity=quantity_from_wire(wire.quantity, f"{field}.quantity"),
    )


def count_from_wire(wire: pb.StockCount, field: str) -> CountStock:
    if not 0 <= wire.on_hand <= MOST_COUNTED:
        path = f"{field}.on_hand"
        raise CountOutOfRange(f"{path} must be 0 to {MOST_COUNTED:,} units", field=path)
    if wire.HasField("damaged") and not 0 <= wire.damaged <= wire.on_hand:
        path = f"{field}.damaged"
        raise CountOutOfRange(f"{path} must be 0 to what is on hand", field=path)
    return CountStock(
        request_id=parse_id(wire.request_id, f"{field}.request_id"),
        sku=parse_sku(wire.sku, f"{field}.sku"),
        location_id=parse_location(wire.location_id, f"{field}.location_id"),
        on_hand=wire.on_hand,
        damaged=wire.damaged if wire.HasField("damaged") else None,
    )


def goods_from_wire(
    wire: pb.GoodsAtLocation | pb.SupplierReturn | pb.CustomerReturn, field: str
) -> Mapping[str, Any]:
    """
    Return which goods an entry is about, as commands have them.
    """
    return {
        "request_id": parse_id(wire.request_id, f"{field}.request_id"),
        "sku": parse_sku(wire.sku, f"{field}.sku"),
        "location_id": parse_location(wire.location_id, f"{field}.location_id"),
        "quantity": quantity_from_wire(wire.quantity, f"{field}.quantity"),
    }


def damage_from_wire(wire: pb.GoodsAtLocation, field: str) -> DamageStock:
    return DamageStock(**goods_from_wire(wire, field))


def restoration_from_wire(wire: pb.GoodsAtLocation, field: str) -> RestoreStock:
    return RestoreStock(**goods_from_wire(wire, field))


def supplier_return_from_wire(wire: pb.SupplierReturn, field: str) -> ReturnStockToSupplier:
    return ReturnStockToSupplier(
        **goods_from_wire(wire, field),
        condition=condition_from_wire(wire.condition, f"{field}.condition"),
    )


def customer_return_from_wire(wire: pb.CustomerReturn, field: str) -> ReturnStock:
    return ReturnStock(
        **goods_from_wire(wire, field),
        condition=condition_from_wire(wire.condition, f"{field}.condition"),
    )


def condition_from_wire(wire: int, field: str) -> StockCondition:
    if wire not in CONDITIONS:
        raise ConditionUnknown(f"{field} must be one that there is", field=field)
    return CONDITIONS[wire]


def stock_result_to_wire(answer: StockItem | DomainError) -> pb.StockResult:
    if isinstance(answer, DomainError):
        return pb.StockResult(error=status_from_error(answer, DOMAIN))
    return pb.StockResult(stock_level=stock_level_to_wire(answer))


def transfer_result_to_wire(answer: TransferredStock | DomainError) -> pb.TransferResult:
    if isinstance(answer, DomainError):
        return pb.TransferResult(error=status_from_error(answer, DOMAIN))
    return pb.TransferResult(
        transferred=pb.TransferredStock(
            from_stock=stock_level_to_wire(answer.source),
            to_stock=stock_level_to_wire(answer.target),
        )
    )


def count_result_to_wire(answer: CountedStock | DomainError) -> pb.CountResult:
    if isinstance(answer, DomainError):
        return pb.CountResult(error=status_from_error(answer, DOMAIN))
    return pb.CountResult(
        counted=pb.CountedStock(
            stock_level=stock_level_to_wire(answer.item), difference=answer.difference
        )
    )
