"""Fields that several messages have."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku, parse_sku
from retail.product.v1 import product_service_pb2 as pb
from services.product.domain.values import Lines, ProductId

# Who says no, in every refusal of this service.
DOMAIN = "product.retail"

MOST_SKUS = 10_000
MOST_PRODUCTS = 100
# As many as an order has. What is held is told in one event, which must not grow too large.
MOST_LINES = 2_000


class BatchOutOfRange(InvalidInput):
    pass


class LinesMissing(InvalidInput):
    pass


class LinesOutOfRange(InvalidInput):
    pass


class PageSizeOutOfRange(InvalidInput):
    pass


class PageTokenInvalid(InvalidInput):
    pass


class SkusOutOfRange(InvalidInput):
    pass


class TimestampOutOfRange(InvalidInput):
    pass


@contextmanager
def within(field: str) -> Iterator[None]:
    """
    Whatever is refused inside names its field as a part of *field*.
    """
    try:
        yield
    except InvalidInput as error:
        error.field = f"{field}.{error.field}" if error.field else field
        raise


def timestamp_from_wire(wire: Timestamp, field: str) -> datetime:
    """
    Raises:
        TimestampOutOfRange: It is not between the years 1 and 9999; names *field*.
    """
    try:
        return wire.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise TimestampOutOfRange(
            f"{field} must be between the years 1 and 9999", field=field
        ) from None


def check_length(entries: Sequence[object], field: str, most: int) -> None:
    if not 1 <= len(entries) <= most:
        raise BatchOutOfRange(
            f"{field} must have 1 to {most} entries, not {len(entries)}", field=field
        )


def product_ids_from_wire(ids: Sequence[str]) -> Sequence[ProductId]:
    check_length(ids, "product_ids", MOST_PRODUCTS)
    return [ProductId(parse_id(text, f"product_ids[{at}]")) for at, text in enumerate(ids)]


def skus_from_wire(skus: Sequence[str], *, most: int = MOST_SKUS) -> Sequence[Sku]:
    if not 1 <= len(skus) <= most:
        raise SkusOutOfRange(f"ask for 1 to {most:,} SKUs, not {len(skus)}", field="skus")
    return [parse_sku(sku, f"skus[{number}]") for number, sku in enumerate(skus)]


def currency_from_wire(code: str) -> str:
    """
    Raises:
        CurrencyUnknown: It is neither empty nor three capital letters.
    """
    return Money(0, code).currency if code else ""


def lines_from_wire(wire: Sequence[pb.ReservationLine], field: str) -> Lines:
    """
    Return the units wanted of each SKU, those on several lines summed.
    """
    if not wire:
        raise LinesMissing(f"{field} must have at least one line", field=field)
    if len(wire) > MOST_LINES:
        raise LinesOutOfRange(f"{field} must have at most {MOST_LINES:,} lines", field=field)
    lines: dict[Sku, Quantity] = {}
    for number, line in enumerate(wire):
        sku = parse_sku(line.sku, f"{field}[{number}].sku")
        path = f"{field}[{number}].quantity"
        quantity = quantity_from_wire(line.quantity, path)
        if sku in lines:
            quantity = quantity_from_wire(lines[sku].units + quantity.units, path)
        lines[sku] = quantity
    return lines


def quantity_from_wire(units: int, field: str) -> Quantity:
    try:
        return Quantity(units)
    except InvalidInput as error:
        error.field = field
        raise
