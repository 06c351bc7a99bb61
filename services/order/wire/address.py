"""Addresses on the wire: retail.common.v1.Address."""

from retail.common.v1 import address_pb2
from services.order.domain.values import Address


def address_from_wire(wire: address_pb2.Address) -> Address:
    """
    Raises:
        InvalidInput: It is malformed; names the field within `ship_to`.
    """
    return Address(
        name=wire.name,
        lines=tuple(wire.lines),
        city=wire.city,
        postal_code=wire.postal_code,
        country_code=wire.country_code,
    )


def address_to_wire(address: Address) -> address_pb2.Address:
    return address_pb2.Address(
        name=address.name,
        lines=address.lines,
        city=address.city,
        postal_code=address.postal_code,
        country_code=address.country_code,
    )
