"""Prices on the wire."""

from collections.abc import Iterable
from datetime import datetime

from chassis.kernel.money import Money
from chassis.rpc.money import money_from_wire, money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from retail.product.v1 import product_service_pb2 as pb
from services.product.domain.price import Price
from services.product.domain.variant import Variant
from services.product.wire.fields import timestamp_from_wire, within


def prices_from_wire(wire: Iterable[pb.Price]) -> tuple[Price, ...]:
    return tuple(price_from_wire(price, f"prices[{number}]") for number, price in enumerate(wire))


def price_from_wire(wire: pb.Price, field: str) -> Price:
    with within(field):
        return Price(
            amount=money_from_wire(wire.amount, "amount"),
            min_quantity=wire.min_quantity,
            starts_at=timestamp_from_wire(wire.start_time, "start_time")
            if wire.HasField("start_time")
            else None,
            ends_at=timestamp_from_wire(wire.end_time, "end_time")
            if wire.HasField("end_time")
            else None,
        )


def price_to_wire(price: Price) -> pb.Price:
    return pb.Price(
        amount=money_to_wire(price.amount),
        min_quantity=price.min_quantity,
        start_time=timestamp_to_wire(price.starts_at) if price.starts_at else None,
        end_time=timestamp_to_wire(price.ends_at) if price.ends_at else None,
    )


def current_price(variant: Variant, now: datetime) -> Money:
    """
    Return what one unit costs now, in the currency of the standing price.
    """
    return variant.price_list.price_of(1, variant.price.currency, now) or variant.price
