"""What goods that come back are worth: their share of what the parcels were charged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chassis.kernel.errors import InvalidInput, RuleViolated
from chassis.kernel.money import Money
from chassis.kernel.share import share_of
from chassis.kernel.text import Sku
from services.order.domain.charges import Charge, units_by_line, value_of
from services.order.domain.shipment import Shipment
from services.order.domain.values import OrderLine


class UnitsBackNegative(InvalidInput):
    pass


class MoreBackThanSent(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """
    What was paid back for goods that came back earlier.

    Attributes:
        units: How many of each line, by its number.
    """

    units: Mapping[int, int]
    charge: Charge


def refund_for(
    back: Mapping[int, int],
    earlier: Sequence[Refunded],
    *,
    lines: Sequence[OrderLine],
    parcels: Sequence[Shipment],
    with_shipping: bool,
) -> Charge:
    """
    Return what to pay back for the goods that come *back*, after the *earlier* ones.

    A discount is shared: all goods get the same share of what the parcels were charged for goods.
    Shares are rounded down, and a refund is the difference to the ones before it: so, however they
    come back, all goods get what was charged for them, to the unit. A parcel that is charged
    between two refunds may have had more or less of the discount; the later ones even that out.

    Args:
        back: How many units of each line, by its number.
        parcels: All that have left; those not charged yet are not counted, nor are their goods.
        with_shipping: Whether shipping is paid back, too, once all that has left is back.

    Raises:
        UnitsBackNegative: Of some line, less than nothing comes back.
        MoreBackThanSent: Of some line, more comes back than was sent and charged.
    """
    charged = [parcel for parcel in parcels if parcel.captured]
    sent = units_by_line(sum((_units_of(parcel) for parcel in charged), Counter()), lines)
    returned = _returned(back, earlier, sent)
    all_back = all(returned[number] == units for number, units in sent.items())

    shipping = sum(parcel.shipping.minor_units for parcel in charged)
    goods = sum(parcel.value.minor_units for parcel in charged) - shipping
    due = goods
    if not all_back:
        due = share_of(goods, value_of(returned, lines), value_of(sent, lines))
    shipping_paid = sum(refund.charge.shipping.minor_units for refund in earlier)
    goods_paid = sum(refund.charge.value.minor_units for refund in earlier) - shipping_paid
    # What has left and is not charged yet may be kept: then all is not back.
    with_shipping &= all_back and len(charged) == len(parcels)
    shipping_now = max(shipping - shipping_paid, 0) if with_shipping else 0
    goods_now = max(due - goods_paid, 0)
    currency = lines[0].unit_price.currency
    return Charge(
        value=Money(goods_now + shipping_now, currency), shipping=Money(shipping_now, currency)
    )


def _returned(
    back: Mapping[int, int], earlier: Sequence[Refunded], sent: Mapping[int, int]
) -> Mapping[int, int]:
    """
    Return how many units of each line are back once those in *back* are.
    """
    for number, units in back.items():
        if units < 0:
            raise UnitsBackNegative(f"{units} units of line {number}", field="units")
    returned: Counter[int] = Counter(back)
    for refund in earlier:
        returned.update(refund.units)
    for number, units in returned.items():
        if units > sent.get(number, 0):
            raise MoreBackThanSent(
                f"of line {number}, {sent.get(number, 0)} were sent and charged, not {units}"
            )
    return returned


def _units_of(parcel: Shipment) -> Counter[Sku]:
    units: Counter[Sku] = Counter()
    for item in parcel.goods:
        units[item.sku] += item.units
    return units
