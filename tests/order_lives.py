"""What three contexts may tell of one order, and in which order it may be heard."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.order.domain.history.facts import (
    Authorized,
    Captured,
    ChargedBack,
    Confirmed,
    Ended,
    GoodsReturned,
    ParcelDelivered,
    ParcelDispatched,
    ParcelLost,
    Placed,
    Refunded,
    Told,
    Voided,
    WorkAccepted,
    WorkUnfulfillable,
)
from services.order.domain.history.summary import OrderSummary
from services.order.domain.values import (
    AccountId,
    Goods,
    LocationId,
    OrderId,
    OrderStatus,
)

ORDER = OrderId(UUID(int=1))
EAST, WEST = UUID(int=2), UUID(int=3)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACED = Placed(
    account_id=AccountId("shop-1"),
    grand_total=Money(50_00, "EUR"),
    goods=(Goods(sku=Sku("LAMP"), units=3), Goods(sku=Sku("DESK"), units=2)),
)
CONFIRMED = Confirmed(units_at={LocationId("east"): 3, LocationId("west"): 2})
COMPLETED = Ended(status=OrderStatus.COMPLETED)


def parcel(units):
    return ParcelDispatched(units=units, at=NOW)


ARRIVED = ParcelDelivered(at=NOW + timedelta(days=2))


def tell(aggregate_id, *facts):
    return [
        Told(order_id=ORDER, aggregate_id=aggregate_id, version=version, at=NOW, fact=fact)
        for version, fact in enumerate(facts, start=1)
    ]


def summary_of(*told):
    summary = OrderSummary(order_id=ORDER)
    for each in told:
        summary.hear(each)
    return summary


PARCELS = st.lists(st.integers(1, 3), max_size=3)


@st.composite
def lives(draw):
    """
    What three contexts tell of one order, each aggregate in its order: also what cannot be.
    """
    end = st.sampled_from([COMPLETED, Ended(status=OrderStatus.CANCELLED, reason="X")])
    order = [PLACED, *draw(st.sampled_from([(), (CONFIRMED,)])), *draw(st.lists(end, max_size=1))]
    totals = sorted(draw(st.lists(st.integers(1, 50_00), max_size=3)))
    payment = [Authorized(), *(Captured(total=total) for total in totals)]
    payment += draw(st.lists(st.just(Voided()), max_size=1))
    refunds = st.one_of(
        st.builds(Refunded, total=st.integers(0, 50_00)),
        st.builds(ChargedBack, amount=st.integers(-50_00, 50_00)),
    )
    payment += draw(st.lists(refunds, max_size=3))
    works = []
    for work, location in ((EAST, "east"), (WEST, "west")):
        facts = [WorkAccepted(), *map(parcel, draw(PARCELS))]
        facts += [ARRIVED] * draw(st.integers(0, len(facts) - 1))
        lost = WorkUnfulfillable(location_id=LocationId(location))
        facts += draw(st.lists(st.just(lost), max_size=1))
        facts += [ParcelLost()] * draw(st.integers(0, 1))
        works.append(tell(work, *facts))
    units = draw(st.lists(st.integers(0, 4), max_size=2))
    returns = [
        tell(UUID(int=10 + number), GoodsReturned(units=each)) for number, each in enumerate(units)
    ]
    return [tell(ORDER, *order), tell(ORDER, *payment), *works, *returns]


def interleaved(life, random):
    """
    Return what was told in any order that keeps the one within each aggregate, some of it twice.
    """
    rests, told = [list(each) for each in life], []
    while any(rests):
        rest = random.choice([each for each in rests if each])
        told.append(rest.pop(0))
        # A repeat, of whatever was told before.
        if random.random() < 0.3:
            told.append(random.choice(told))
    return told
