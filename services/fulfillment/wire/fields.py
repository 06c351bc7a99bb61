"""Fields that several messages have."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import parse_sku
from services.fulfillment.domain.values import Goods, OrderId, ProviderId

# Who says no, in every refusal of this service.
DOMAIN = "fulfillment.retail"

MOST_ENTRIES = 500

_PROVIDER_ID = re.compile(r"[a-z0-9-]{1,64}")

W = TypeVar("W")
C = TypeVar("C")


class BatchSizeOutOfRange(InvalidInput):
    pass


class ProviderIdMalformed(InvalidInput):
    pass


def entries_from_wire(
    wires: Sequence[W], field: str, translate: Callable[[W, str], C]
) -> list[C | DomainError]:
    """
    Return the command that each entry stands for, or its refusal: one malformed entry is no
    reason to turn away the others.

    Raises:
        BatchSizeOutOfRange: There are none, or too many.
    """
    if not 1 <= len(wires) <= MOST_ENTRIES:
        raise BatchSizeOutOfRange(
            f"{field} must have 1 to {MOST_ENTRIES} entries, not {len(wires)}", field=field
        )
    entries: list[C | DomainError] = []
    for number, wire in enumerate(wires):
        try:
            entries.append(translate(wire, f"{field}[{number}]"))
        except InvalidInput as refusal:
            entries.append(refusal)
    return entries


def order_id_from_wire(order_id: str, field: str) -> OrderId:
    return OrderId(parse_id(order_id, field))


def provider_id_from_wire(provider_id: str, field: str) -> ProviderId:
    if not _PROVIDER_ID.fullmatch(provider_id):
        raise ProviderIdMalformed(
            f"{field} must be 1 to 64 lower-case letters, digits and hyphens", field=field
        )
    return ProviderId(provider_id)


def goods_from_wire(sku: str, quantity: int, field: str) -> Goods:
    try:
        return Goods(parse_sku(sku, f"{field}.sku"), Quantity(quantity))
    except InvalidInput as error:
        error.field = error.field if error.field.startswith(field) else f"{field}.{error.field}"
        raise
