"""Orders that were sent and charged, without any saga."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.order.domain.order import Order
from services.order.domain.values import (
    AccountId,
    Address,
    Allocation,
    Channel,
    Goods,
    LocationId,
    OrderId,
    OrderLine,
    ShipmentId,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MAIN = LocationId("main")


def an_order(prices, *, shipping=0, discount=0, currency="EUR") -> Order:
    """
    An order that is confirmed; *prices* are (SKU, units, price of one) of each line.
    """
    order = Order.place(
        OrderId(UUID(int=1)),
        account_id=AccountId("shop-1"),
        channel=Channel.BUSINESS,
        lines=tuple(
            OrderLine(
                sku=Sku(sku),
                title="",
                quantity=Quantity(units),
                unit_price=Money(price, currency),
            )
            for sku, units, price in prices
        ),
        shipping=Money(shipping, currency),
        discount=Money(discount, currency),
        ship_to=Address(name="Ada", lines=(), city="", postal_code="", country_code="GB"),
        psp_token="tok_visa",
        reference="",
        now=NOW,
    )
    held = [Allocation(sku=s, location_id=MAIN, units=u) for s, u in order.units_ordered.items()]
    order.reserve(held, NOW)
    order.authorize(NOW)
    order.confirm(NOW)
    return order


def send(order, *goods):
    """
    Have a parcel leave and be charged.
    """
    id_ = ShipmentId(UUID(int=len(order.shipments) + 1))
    units = Counter(goods)
    parcel = tuple(Goods(sku=Sku(sku), units=units[sku]) for sku in units)
    order.dispatch(id_, location_id=MAIN, goods=parcel, at=NOW, now=NOW)
    order.capture([id_], NOW)
    return order.shipments[id_]
