from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.kernel.ids import first_id_at, new_id
from chassis.kernel.quantity import Quantity
from chassis.rpc.timestamps import TimeOutOfRange
from retail.order.v1 import order_service_pb2 as pb
from services.order.application.list_orders import MOST_LINES, ListOrders, list_orders
from services.order.application.place_orders import WantedLine, place_orders
from services.order.domain.period import ALWAYS, FIRST, ID_IS_LATER, LAST, Period, PeriodEmpty
from services.order.domain.values import OrderId
from services.order.wire.orders import list_orders_from_wire
from tests.unit.order.conftest import LAMP, SHOP

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_ids_sort_by_the_moment_they_were_made():
    now = datetime.now(UTC)

    assert (
        first_id_at(now - timedelta(minutes=1)) < new_id() < first_id_at(now + timedelta(minutes=1))
    )
    assert first_id_at(NOW) < first_id_at(NOW + timedelta(milliseconds=1))
    assert first_id_at(datetime(1900, 1, 1, tzinfo=UTC)) <= first_id_at(NOW)


def test_a_period_is_between_two_ids():
    period = Period(placed_from=NOW, placed_before=NOW + timedelta(days=1))
    last = OrderId(first_id_at(NOW + timedelta(hours=1)))

    assert period.first_id == first_id_at(NOW)
    assert period.end_id(None) == first_id_at(NOW + timedelta(days=1) + ID_IS_LATER)
    assert period.end_id(last) == last
    assert (ALWAYS.first_id, ALWAYS.end_id(None), ALWAYS.end_id(last)) == (FIRST, LAST, last)


def test_a_period_may_last_until_the_end_of_time():
    end_of_time = datetime.max.replace(tzinfo=UTC)
    last = OrderId(first_id_at(NOW))

    assert Period(placed_before=end_of_time).end_id(None) == LAST
    assert Period(placed_before=end_of_time).end_id(last) == last
    assert Period(placed_before=end_of_time - ID_IS_LATER).end_id(None) < LAST


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=-1)])
def test_a_period_that_holds_nothing_is_refused(length):
    with pytest.raises(PeriodEmpty) as refusal:
        Period(placed_from=NOW, placed_before=NOW + length)

    assert refusal.value.field == "placed_from"


def test_a_time_that_is_none_is_refused_by_name():
    request = pb.ListOrdersRequest(account_id="shop-1", placed_before=Timestamp(seconds=10**15))

    with pytest.raises(TimeOutOfRange) as refusal:
        list_orders_from_wire(request)

    assert refusal.value.field == "placed_before"


async def test_a_page_ends_early_where_orders_have_many_lines(world, a_command):
    long = (WantedLine(sku=LAMP, quantity=Quantity(1)),) * 2_000
    wishes = [a_command(request_id=UUID(int=n), lines=long) for n in range(7)]
    await place_orders(wishes, uow=world.uow, catalog=world, clock=world.clock)

    async def page(before=None, limit=50):
        query = ListOrders(account_id=SHOP, before=before, statuses=(), limit=limit)
        return await list_orders(query, uow=world.uow)

    first, more = await page()
    second, no_more = await page(before=first[-1].id)

    assert sum(len(order.lines) for order in first) == MOST_LINES
    assert more
    assert not no_more
    assert {order.id for order in (*first, *second)} == set(world.orders)
