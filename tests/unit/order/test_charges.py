import random
from datetime import UTC, datetime
from uuid import UUID

import pytest

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


def confirmed_order(prices, quantities, shipping, discount) -> Order:
    order = Order.place(
        OrderId(UUID(int=1)),
        account_id=AccountId("shop-1"),
        channel=Channel.BUSINESS,
        lines=tuple(
            OrderLine(
                sku=Sku(f"SKU-{number}"),
                title="",
                quantity=Quantity(quantity),
                unit_price=Money(price, "EUR"),
            )
            for number, (price, quantity) in enumerate(zip(prices, quantities, strict=True))
        ),
        shipping=Money(shipping, "EUR"),
        discount=Money(discount, "EUR"),
        ship_to=Address(name="Ada", lines=(), city="", postal_code="", country_code="GB"),
        psp_token="tok_visa",
        reference="",
        now=NOW,
    )
    order.reserve(
        [
            Allocation(sku=sku, location_id=MAIN, units=units)
            for sku, units in order.units_ordered.items()
        ],
        NOW,
    )
    order.authorize(NOW)
    order.confirm(NOW)
    return order


@pytest.mark.parametrize("seed", range(300))
def test_however_goods_are_shared_over_parcels_the_charges_add_up(seed):
    dice = random.Random(seed)
    prices = [dice.choice([0, 1, 5, 99, 1_000]) + 1 for _ in range(dice.randint(1, 4))]
    quantities = [dice.randint(1, 17) for _ in prices]
    items = sum(p * q for p, q in zip(prices, quantities, strict=True))
    shipping = dice.choice([0, 1, 300, 500])
    order = confirmed_order(prices, quantities, shipping, dice.randint(0, items + shipping - 1))

    units = [sku for sku, count in order.units_ordered.items() for _ in range(count)]
    dice.shuffle(units)
    number = 0
    while units:
        parcel = [units.pop() for _ in range(min(dice.randint(1, 5), len(units)))]
        goods = tuple(Goods(sku=sku, units=parcel.count(sku)) for sku in sorted(set(parcel)))
        number += 1
        order.dispatch(ShipmentId(UUID(int=number)), location_id=MAIN, goods=goods, at=NOW, now=NOW)

    parcels = order.shipments.values()
    assert all(0 <= p.shipping.minor_units <= p.value.minor_units for p in parcels)
    assert sum(p.value.minor_units for p in parcels) == order.grand_total.minor_units
    most_shipping = min(shipping, order.grand_total.minor_units)
    assert sum(p.shipping.minor_units for p in parcels) <= most_shipping
