"""However goods come back, and whatever is done about them, nobody gets more than was charged."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from chassis.kernel.text import Sku
from services.order.domain.axes import OrderNotInState
from services.order.domain.order_return import RefundShipping, Resolution, ReturnKind
from services.order.domain.refunds import MoreBackThanSent
from services.order.domain.values import FulfillmentStatus, Goods, ShipmentId
from tests.unit.order.orders_sent import MAIN, NOW, an_order, send
from tests.unit.order.returns_memory import back, return_id


def take_back(order, number, *goods, resolution="REFUND"):
    order.take_back(
        return_id(number),
        kind=ReturnKind.RETURN,
        resolution=Resolution(resolution),
        location_id=MAIN,
        goods=goods,
        now=NOW,
    )


def refunded(order):
    return sum(r.refund.value.minor_units for r in order.returns.values() if r.refund)


def decide(order, number, policy=RefundShipping.ALWAYS):
    order.decide_refund(return_id(number), policy, NOW)
    return order.returns[return_id(number)].refund.value.minor_units


def decide_alone(order, number):
    """
    The mistake: an amount that does not know what others were paid.
    """
    others = {id_: r for id_, r in order.returns.items() if id_ != return_id(number)}
    order.returns = {return_id(number): order.returns[return_id(number)]}
    decide(order, number)
    order.returns = others | order.returns


@st.composite
def stories(draw):
    """
    An order that left in some parcels, what comes back of it in which order, which of it is
    replaced, and in which order that is seen to.
    """
    prices = draw(
        st.lists(
            st.tuples(st.sampled_from(["LAMP", "DESK"]), st.integers(1, 4), st.integers(0, 9_999)),
            min_size=1,
            max_size=3,
        ).filter(lambda lines: any(price for _, _, price in lines))
    )
    items = sum(units * price for _, units, price in prices)
    shipping = draw(st.integers(0, 999))
    order = an_order(prices, shipping=shipping, discount=draw(st.integers(0, items + shipping - 1)))
    units = draw(st.permutations([*order.units_ordered.elements()]))
    cut = draw(st.integers(1, len(units)))
    for parcel in filter(None, (units[:cut], units[cut:])):
        send(order, *parcel)
    owners = draw(st.lists(st.integers(0, 2), min_size=len(units), max_size=len(units)))
    replaced = draw(st.sets(st.integers(0, 2), max_size=1))
    for number in range(3):
        goods = Counter(sku for sku, owner in zip(units, owners, strict=True) if owner == number)
        resolution = "REPLACEMENT" if number in replaced else "REFUND"
        take_back(order, number, *(back(Sku(s), goods[s]) for s in goods), resolution=resolution)
    return order, draw(st.permutations([n for n in range(3) if n not in replaced])), replaced


def adds_up(story, decide):
    """
    Decide all refunds of a story, and return whether they are what was charged, or no more than
    that where something is replaced.
    """
    order, decided_in, replaced = story
    for number in decided_in:
        decide(order, number)
    charged = sum(parcel.value.minor_units for parcel in order.shipments.values())
    kept = sum(order.returns[return_id(n)].units_accepted for n in replaced)
    paid = refunded(order)
    order.returns = {}
    return 0 <= paid <= charged if kept else paid == charged


@given(stories())
@settings(max_examples=60)
def test_all_returns_together_pay_back_what_was_charged_and_no_more(story):
    order, decided_in, replaced = story
    taken = dict(order.returns)
    assert adds_up(story, decide)

    # What was to be replaced, and cannot be, is paid back after all: then it is the whole.
    order.returns = taken
    for number in replaced:
        order.pay_instead(return_id(number), {}, NOW)
        decide(order, number)
    assert refunded(order) == sum(p.value.minor_units for p in order.shipments.values())
    assert set(decided_in) | set(replaced) == {0, 1, 2}


def test_an_amount_that_does_not_know_the_others_is_found_to_pay_too_much_or_too_little():
    assert find(
        stories(),
        lambda story: not adds_up(story, decide_alone),
        settings=settings(derandomize=True),
    )


def test_lines_of_one_sku_come_back_first_line_first():
    order = an_order([("LAMP", 2, 10_00), ("LAMP", 2, 8_00)])
    send(order, "LAMP", "LAMP", "LAMP", "LAMP")

    take_back(order, 1, back(Sku("LAMP"), 1))
    take_back(order, 2, back(Sku("LAMP"), 2))

    assert [dict(taken.units) for taken in order.returns.values()] == [{1: 1}, {1: 1, 2: 1}]
    assert [decide(order, 1), decide(order, 2)] == [10_00, 18_00]


def test_an_amount_that_is_decided_stays():
    order = an_order([("LAMP", 2, 10_00)], shipping=5_00)
    send(order, "LAMP", "LAMP")
    take_back(order, 1, back(Sku("LAMP"), 1))
    first = decide(order, 1)
    take_back(order, 2, back(Sku("LAMP"), 1))
    decide(order, 2)

    assert decide(order, 1) == first


def test_what_is_not_charged_yet_has_no_amount():
    order = an_order([("LAMP", 2, 10_00)])
    goods = (Goods(sku=Sku("LAMP"), units=2),)
    order.dispatch(ShipmentId(UUID(int=7)), location_id=MAIN, goods=goods, at=NOW, now=NOW)
    take_back(order, 1, back(Sku("LAMP"), 1))

    with pytest.raises(MoreBackThanSent):
        decide(order, 1)
    assert order.returns[return_id(1)].refund is None


def test_goods_that_come_back_while_others_are_still_to_leave_do_not_show_yet():
    order = an_order([("LAMP", 3, 10_00)])
    send(order, "LAMP")
    take_back(order, 1, back(Sku("LAMP"), 1))
    assert order.fulfillment_status is FulfillmentStatus.PARTIALLY_FULFILLED

    send(order, "LAMP", "LAMP")
    assert order.fulfillment_status is FulfillmentStatus.PARTIALLY_RETURNED

    take_back(order, 2, back(Sku("LAMP"), 2))
    assert order.fulfillment_status is FulfillmentStatus.RETURNED


def test_an_order_with_a_parcel_under_way_does_not_complete():
    order = an_order([("LAMP", 2, 10_00)])
    first, second = send(order, "LAMP"), send(order, "LAMP")
    order.lose(first.id, "parcel lost", at=NOW, now=NOW)

    with pytest.raises(OrderNotInState):
        order.complete(NOW)

    order.lose(second.id, "parcel lost", at=NOW, now=NOW)
    order.complete(NOW)
