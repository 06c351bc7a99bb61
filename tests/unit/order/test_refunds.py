"""What goods that come back are worth: all of them together what was charged, to the unit."""

from collections import Counter
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.rpc.money import money_from_wire, money_to_wire
from services.order.domain.charges import Charge
from services.order.domain.refunds import (
    MoreBackThanSent,
    Refunded,
    UnitsBackNegative,
    refund_for,
)
from services.order.domain.values import Goods, ShipmentId
from tests.unit.order.orders_sent import MAIN, NOW, an_order, send

# With 0, 2 and 3 decimals.
CURRENCIES = ("JPY", "EUR", "KWD")


class Returns:
    """
    Goods of an order come back in parts.
    """

    def __init__(self, order, refunding=refund_for):
        self.order = order
        self.refunding = refunding
        self.refunds = []

    def take_back(self, units, *, with_shipping=False):
        charge = self.refunding(
            units,
            self.refunds,
            lines=self.order.lines,
            parcels=[*self.order.shipments.values()],
            with_shipping=with_shipping,
        )
        self.refunds.append(Refunded(units=units, charge=charge))
        return charge.value.minor_units, charge.shipping.minor_units


def naive_refund_for(back, earlier, *, lines, parcels, with_shipping):  # noqa: ARG001
    """
    The mistake: each line's share is rounded for itself.
    """
    goods = sum(p.value.minor_units - p.shipping.minor_units for p in parcels)
    items = sum(line.unit_price.minor_units * line.quantity.units for line in lines)
    shares = [
        round(Fraction(goods * line.unit_price.minor_units * back.get(line.number, 0), items))
        for line in lines
    ]
    currency = lines[0].unit_price.currency
    return Charge(value=Money(sum(shares), currency), shipping=Money(0, currency))


@st.composite
def cases(draw):
    """
    Lines, two of which may be of one SKU; shipping, a discount; the order in which units leave and
    come back.
    """
    skus = st.sampled_from(["LAMP", "DESK", "SOFA"])
    prices = draw(
        st.lists(
            st.tuples(skus, st.integers(1, 6), st.integers(0, 50_000)), min_size=1, max_size=4
        ).filter(lambda lines: any(price for _, _, price in lines))
    )
    items = sum(units * price for _, units, price in prices)
    shipping = draw(st.integers(0, 2_000))
    discount = draw(st.integers(0, items + shipping - 1))
    return {
        "prices": prices,
        "shipping": shipping,
        "discount": discount,
        "currency": draw(st.sampled_from(CURRENCIES)),
        "random": draw(st.randoms(use_true_random=False)),
    }


def parts_of(units, random):
    random.shuffle(units)
    while units:
        size = random.randint(1, len(units))
        yield [units.pop() for _ in range(size)]


def adds_up(case, refunding=refund_for):
    """
    Send all of an order in parcels, take all back by line in parts, and return whether what was
    charged for goods went back, no part of it too much.
    """
    random = case.pop("random")
    order = an_order(**case)
    case["random"] = random
    for parcel in parts_of([s for s, n in order.units_ordered.items() for _ in range(n)], random):
        send(order, *parcel)
    parcels = order.shipments.values()
    charged = sum(p.value.minor_units for p in parcels)
    shipping = sum(p.shipping.minor_units for p in parcels)
    assert charged == order.grand_total.minor_units

    returns, paid = Returns(order, refunding), 0
    for part in parts_of([n.number for n in order.lines for _ in range(n.quantity.units)], random):
        value, _ = returns.take_back(Counter(part))
        paid += value
        if value < 0 or paid > charged - shipping:
            return False
    return paid == charged - shipping


@given(cases())
def test_all_goods_together_get_what_was_charged_for_them_however_they_come_back(case):
    assert adds_up(case)


def test_rounding_each_line_for_itself_is_found_not_to_add_up():
    assert find(
        cases(),
        lambda case: not adds_up(case, naive_refund_for),
        settings=settings(derandomize=True),
    )


@given(cases())
def test_refunds_and_charges_add_up_on_the_wire_too(case):
    random = case.pop("random")
    order = an_order(**case)
    for parcel in parts_of([s for s, n in order.units_ordered.items() for _ in range(n)], random):
        send(order, *parcel)
    returns = Returns(order)
    for part in parts_of([n.number for n in order.lines for _ in range(n.quantity.units)], random):
        returns.take_back(Counter(part), with_shipping=True)

    sent = [money_to_wire(refund.charge.value) for refund in returns.refunds]
    got = sum(money_from_wire(amount, "amount").minor_units for amount in sent)
    assert got == order.grand_total.minor_units


@given(cases())
def test_a_refund_is_less_than_one_unit_off_its_exact_share(case):
    random = case.pop("random")
    order = an_order(**case)
    send(order, *(sku for sku, units in order.units_ordered.items() for _ in range(units)))
    (parcel,) = order.shipments.values()
    goods = parcel.value.minor_units - parcel.shipping.minor_units
    returns = Returns(order)
    for part in parts_of([n.number for n in order.lines for _ in range(n.quantity.units)], random):
        price = {line.number: line.unit_price.minor_units for line in order.lines}
        exact = Fraction(goods * sum(price[n] for n in part), order.items_total.minor_units)
        assert abs(returns.take_back(Counter(part))[0] - exact) < 1


def test_a_discount_is_shared_by_the_goods():
    order = an_order([("LAMP", 1, 30_00), ("DESK", 1, 10_00)], discount=4_00)
    send(order, "LAMP", "DESK")

    assert Returns(order).take_back({1: 1}) == (27_00, 0)
    assert Returns(order).take_back({2: 1}) == (9_00, 0)


def test_shipping_goes_back_with_the_last_of_the_goods_if_at_all():
    order = an_order([("LAMP", 2, 10_00)], shipping=5_00)
    send(order, "LAMP", "LAMP")
    kind, strict = Returns(order), Returns(order)

    assert kind.take_back({1: 1}, with_shipping=True) == (10_00, 0)
    assert kind.take_back({1: 1}, with_shipping=True) == (15_00, 5_00)
    assert strict.take_back({1: 2}) == (20_00, 0)


def test_goods_that_are_not_charged_yet_do_not_come_back():
    order = an_order([("LAMP", 2, 10_00)])
    send(order, "LAMP")
    on_its_way = (Goods(sku=Sku("LAMP"), units=1),)
    id_ = ShipmentId(UUID(int=2))
    order.dispatch(id_, location_id=MAIN, goods=on_its_way, at=NOW, now=NOW)

    with pytest.raises(MoreBackThanSent):
        Returns(order).take_back({1: 2})
    assert Returns(order).take_back({1: 1}) == (10_00, 0)


def test_a_parcel_charged_between_two_refunds_is_counted_in_the_second():
    order = an_order([("LAMP", 3, 33)], discount=1)
    send(order, "LAMP")
    returns = Returns(order)
    first, _ = returns.take_back({1: 1})
    send(order, "LAMP", "LAMP")

    second, _ = returns.take_back({1: 2})

    assert first + second == order.grand_total.minor_units


def test_what_came_back_does_not_come_back_again():
    order = an_order([("LAMP", 2, 10_00)])
    send(order, "LAMP", "LAMP")
    returns = Returns(order)
    returns.take_back({1: 2})

    with pytest.raises(MoreBackThanSent):
        returns.take_back({1: 1})


@pytest.mark.parametrize(
    ("back", "kind"), [({1: -1}, UnitsBackNegative), ({2: 1}, MoreBackThanSent)]
)
def test_lines_that_cannot_come_back_are_refused(back, kind):
    order = an_order([("LAMP", 2, 10_00)])
    send(order, "LAMP", "LAMP")

    with pytest.raises(kind):
        Returns(order).take_back(back)


def test_one_sku_in_two_lines_comes_back_at_the_price_of_its_line():
    order = an_order([("LAMP", 1, 10_00), ("LAMP", 1, 8_00)])
    send(order, "LAMP", "LAMP")
    returns = Returns(order)

    assert returns.take_back({2: 1}) == (8_00, 0)
    assert returns.take_back({1: 1}) == (10_00, 0)


def test_goods_for_nothing_come_back_for_nothing():
    order = an_order([("GIFT", 1, 0), ("LAMP", 1, 10_00)])
    send(order, "GIFT")

    assert Returns(order).take_back({1: 1}) == (0, 0)
