"""Addresses on the wire: retail.common.v1.Address."""

from chassis.kernel.card_numbers import refuse_card_number
from retail.common.v1 import address_pb2
from services.order.domain.values import Address


def address_from_wire(wire: address_pb2.Address) -> Address:
    """
    Raises:
        InvalidInput: It is malformed, or holds a card number; names the field within `ship_to`.
    """
    address = Address(
        name=wire.name,
        lines=tuple(wire.lines),
        city=wire.city,
        postal_code=wire.postal_code,
        country_code=wire.country_code,
    )
    for line in address.lines:
        refuse_card_number(line, "ship_to.lines")
    refuse_card_number(address.name, "ship_to.name")
    refuse_card_number(address.city, "ship_to.city")
    return address


def address_to_wire(address: Address) -> address_pb2.Address:
    return address_pb2.Address(
        name=address.name,
        lines=address.lines,
        city=address.city,
        postal_code=address.postal_code,
        country_code=address.country_code,
    )
