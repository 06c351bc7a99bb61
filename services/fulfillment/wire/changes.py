"""Changes of orders on the wire."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.text import check_text
from chassis.rpc.errors import status_from_error
from retail.common.v1.address_pb2 import Address as WireAddress
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.application.change_fulfillment import ChangeFulfillment
from services.fulfillment.domain.values import Address, Goods, LocationId, OrderId
from services.fulfillment.wire.fields import (
    DOMAIN,
    entries_from_wire,
    goods_from_wire,
    order_id_from_wire,
)

# As many as an order has.
MOST_LINES = 2_000

_COUNTRY = re.compile(r"[A-Z]{2}")


class ChangeNumberOutOfRange(InvalidInput):
    pass


class AddressMalformed(InvalidInput):
    pass


class LinesOutOfRange(InvalidInput):
    pass


class PlaceRepeated(InvalidInput):
    pass


def changes_from_wire(
    request: pb.ChangeFulfillmentRequest,
) -> list[ChangeFulfillment | DomainError]:
    return entries_from_wire(request.changes, "changes", change_from_wire)


def change_from_wire(wire: pb.FulfillmentChange, field: str) -> ChangeFulfillment:
    if wire.change_number < 1:
        path = f"{field}.change_number"
        raise ChangeNumberOutOfRange(f"{path} must be at least 1", field=path)
    return ChangeFulfillment(
        order_id=order_id_from_wire(wire.order_id, f"{field}.order_id"),
        number=wire.change_number,
        ship_to=address_from_wire(wire.ship_to, f"{field}.ship_to"),
        goods=goods_by_location(wire.lines, f"{field}.lines"),
    )


def address_from_wire(wire: WireAddress, field: str) -> Address:
    if len(wire.lines) > 3:
        raise AddressMalformed(f"{field}.lines must be at most 3 lines", field=f"{field}.lines")
    if not _COUNTRY.fullmatch(wire.country_code):
        path = f"{field}.country_code"
        raise AddressMalformed(f"{path} must be two capital letters (ISO 3166-1)", field=path)
    return Address(
        name=check_text(wire.name, f"{field}.name", least=1, most=200),
        lines=tuple(
            check_text(line, f"{field}.lines[{number}]", most=200)
            for number, line in enumerate(wire.lines)
        ),
        city=check_text(wire.city, f"{field}.city", most=200),
        postal_code=check_text(wire.postal_code, f"{field}.postal_code", most=20),
        country_code=wire.country_code,
    )


def goods_by_location(
    wire: Sequence[pb.LocatedLine], field: str
) -> Mapping[LocationId, tuple[Goods, ...]]:
    if not 1 <= len(wire) <= MOST_LINES:
        raise LinesOutOfRange(f"{field} must have 1 to {MOST_LINES:,} lines", field=field)
    goods: dict[LocationId, list[Goods]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(wire):
        path = f"{field}[{number}]"
        if (line.location_id, line.sku) in seen:
            raise PlaceRepeated(f"{path} names a place that {field} named before", field=path)
        seen.add((line.location_id, line.sku))
        location = check_text(line.location_id, f"{path}.location_id", least=1, most=64)
        goods[LocationId(location)].append(goods_from_wire(line.sku, line.quantity, path))
    return {location_id: tuple(some) for location_id, some in goods.items()}


def change_result_to_wire(answer: OrderId | DomainError) -> pb.ChangeFulfillmentResult:
    if isinstance(answer, DomainError):
        return pb.ChangeFulfillmentResult(error=status_from_error(answer, DOMAIN))
    return pb.ChangeFulfillmentResult(changed_order_id=str(answer))
