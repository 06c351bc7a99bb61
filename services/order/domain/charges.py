"""How the total of an order is shared over its parcels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from chassis.kernel.money import Money, sum_of
from chassis.kernel.share import share_of
from chassis.kernel.text import Sku
from services.order.domain.shipment import Shipment
from services.order.domain.values import Goods, OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """
    Attributes:
        value: What the customer is charged.
        shipping: How much of the value is for shipping.
    """

    value: Money
    shipping: Money


def charge_for(
    dispatched: Mapping[Sku, int], lines: Sequence[OrderLine], *, whole: Charge, items_total: Money
) -> Charge:
    """
    Return what may be charged in all once *dispatched* units have left.

    Shares are rounded down, and a parcel is charged the difference to the ones before it: so the
    parcels add up to the whole, to the cent.
    """
    sent = units_by_line(dispatched, lines)
    if all(sent[line.number] == line.quantity.units for line in lines):
        return whole
    value = value_of(sent, lines)
    currency, items = items_total.currency, items_total.minor_units
    charged = share_of(whole.value.minor_units, value, items)
    shipping = min(share_of(whole.shipping.minor_units, value, items), charged)
    return Charge(value=Money(charged, currency), shipping=Money(shipping, currency))


def units_by_line(goods: Mapping[Sku, int], lines: Sequence[OrderLine]) -> dict[int, int]:
    """
    Return how many units of each line *goods* are, by its number. What several lines have of one
    SKU goes to the first ones.
    """
    left = Counter(goods)
    units: dict[int, int] = {}
    for line in lines:
        units[line.number] = min(left[line.sku], line.quantity.units)
        left[line.sku] -= units[line.number]
    return units


def value_of(units: Mapping[int, int], lines: Sequence[OrderLine]) -> int:
    """
    Return what *units* of each line cost, by its number, before shipping and discount.
    """
    return sum(units.get(line.number, 0) * line.unit_price.minor_units for line in lines)


def charge_of_parcel(
    goods: Sequence[Goods],
    earlier: Sequence[Shipment],
    lines: Sequence[OrderLine],
    *,
    whole: Charge,
    items_total: Money,
) -> Charge:
    """
    Return what a parcel with *goods* is charged, after the *earlier* ones.
    """
    dispatched: Counter[Sku] = Counter()
    for item in chain(goods, *(parcel.goods for parcel in earlier)):
        dispatched[item.sku] += item.units
    after = charge_for(dispatched, lines, whole=whole, items_total=items_total)
    value = after.value - sum_of((p.value for p in earlier), items_total.currency)
    shipping = after.shipping - sum_of((p.shipping for p in earlier), items_total.currency)
    # What a discount leaves no room for here, a later parcel carries.
    share = min(shipping.minor_units, value.minor_units)
    return Charge(value=value, shipping=Money(share, items_total.currency))
