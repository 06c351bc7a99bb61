"""How returns look as rows, and rows as returns."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.returns.ports import Receipt
from services.fulfillment.application.shipments.ports import KeptLabel
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.line import Count, FromParcel, ReturnLine, WantedLine
from services.fulfillment.domain.returns.values import (
    AccountId,
    Disposition,
    ReceiptId,
    Resolution,
    ReturnId,
    ReturnKind,
    ReturnReason,
    ReturnState,
)
from services.fulfillment.domain.values import LocationId, OrderId, ShipmentId

# What stands from the first to the last.
LASTING = (
    "trace",
    "order_id",
    "account_id",
    "kind",
    "resolution",
    "location_id",
    "created_at",
    "shipment_id",
    "units",
)


def return_from_row(row: Row[Any]) -> Return:
    return Return(
        id=ReturnId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        order_id=OrderId(row.order_id),
        account_id=AccountId(row.account_id),
        kind=ReturnKind(row.kind),
        state=ReturnState(row.state),
        resolution=Resolution(row.resolution),
        lines=tuple(_line_from_json(line) for line in row.lines),
        location_id=LocationId(row.location_id),
        created_at=row.created_at,
        since=row.since,
        due_at=row.due_at,
        reason=row.reason,
        tracking_number=row.tracking_number,
        shipment_id=row.shipment_id,
        refunded=_money(row.refunded_minor_units, row.refunded_currency),
        replacement_order_id=row.replacement_order_id,
        sent_back=row.sent_back,
    )


def row_from_return(some: Return) -> dict[str, Any]:
    return {
        "id": some.id,
        "version": some.version,
        "event_count": some.event_count,
        "trace": some.trace,
        "order_id": some.order_id,
        "account_id": some.account_id,
        "kind": some.kind,
        "state": some.state,
        "resolution": some.resolution,
        "lines": [_json_from_line(line) for line in some.lines],
        "location_id": some.location_id,
        "created_at": some.created_at,
        "since": some.since,
        "due_at": some.due_at,
        "reason": some.reason,
        "tracking_number": some.tracking_number,
        "shipment_id": some.shipment_id,
        "refunded_minor_units": some.refunded.minor_units if some.refunded else None,
        "refunded_currency": some.refunded.currency if some.refunded else None,
        "replacement_order_id": some.replacement_order_id,
        "sent_back": some.sent_back,
        "to_be_sent_back": some.to_be_sent_back,
        "units": some.units,
        "counted_units": some.counted,
    }


def changes_from_return(some: Return) -> dict[str, Any]:
    row = row_from_return(some)
    return {column: row[column] for column in row if column not in LASTING}


def receipt_from_row(row: Row[Any]) -> Receipt:
    return Receipt(
        id=ReceiptId(row.id),
        return_id=ReturnId(row.return_id),
        counts=tuple(
            Count(sku=Sku(sku), quantity=Quantity(units), disposition=Disposition(disposition))
            for sku, units, disposition in row.counts
        ),
        is_last=row.is_last,
    )


def row_from_receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "id": receipt.id,
        "return_id": receipt.return_id,
        "counts": [(c.sku, c.quantity.units, c.disposition) for c in receipt.counts],
        "is_last": receipt.is_last,
    }


def label_from_row(row: Row[Any]) -> KeptLabel:
    return KeptLabel(
        tracking_number=row.tracking_number, media_type=row.media_type, content=row.content
    )


def row_from_label(return_id: ReturnId, label: KeptLabel) -> dict[str, Any]:
    return {
        "return_id": return_id,
        "tracking_number": label.tracking_number,
        "media_type": label.media_type,
        "content": label.content,
    }


def _line_from_json(fields: Mapping[str, Any]) -> ReturnLine:
    wanted = WantedLine(
        sku=Sku(fields["sku"]),
        quantity=Quantity(fields["quantity"]),
        reason=ReturnReason(fields["reason"]),
        comment=fields["comment"],
    )
    return ReturnLine(
        wanted=wanted,
        parcels=_parcels_from_json(fields["parcels"]),
        sellable=fields["sellable"],
        damaged=fields["damaged"],
        missing=fields["missing"],
        refused=fields["refused"],
    )


def _json_from_line(line: ReturnLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "quantity": line.units,
        "reason": line.wanted.reason,
        "comment": line.wanted.comment,
        "parcels": [(str(part.shipment_id), part.units) for part in line.parcels],
        "sellable": line.sellable,
        "damaged": line.damaged,
        "missing": line.missing,
        "refused": line.refused,
    }


def _parcels_from_json(parcels: Iterable[tuple[str, int]]) -> tuple[FromParcel, ...]:
    return tuple(FromParcel(ShipmentId(UUID(id_)), units) for id_, units in parcels)


def _money(minor_units: int | None, currency: str | None) -> Money | None:
    return None if minor_units is None or currency is None else Money(minor_units, currency)
