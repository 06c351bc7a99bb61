from collections import Counter
from uuid import UUID

import pytest

from chassis.kernel.errors import InvalidInput
from chassis.kernel.text import Sku
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1 import stock_service_pb2 as stock_pb
from services.product.application.products.record_views import RecordViews, record_views
from services.product.application.reservations.confirm_reservations import (
    ConfirmReservation,
    confirm_reservations,
)
from services.product.domain.values import ProductId
from services.product.wire import activity, availability, fields

LAMP = ProductId(UUID(int=7))


class Gathered:
    def __init__(self):
        self.views = Counter()

    def viewed(self, product_id, count, *, day):
        self.views[product_id, day] += count


def test_views_count_as_of_today(world):
    counts = Gathered()
    commands = [RecordViews(product_id=LAMP, count=3), RecordViews(product_id=LAMP, count=4)]

    record_views(commands, counts=counts, clock=world.clock)

    assert counts.views == {(LAMP, world.now.date()): 7}


@pytest.mark.parametrize("count", [-1, 0, 1_000_001])
def test_views_out_of_range_are_refused_by_name(count):
    request = pb.RecordViewsRequest(
        views=[pb.Views(product_id=str(LAMP), count=1), pb.Views(product_id=str(LAMP), count=count)]
    )

    with pytest.raises(InvalidInput) as refusal:
        activity.views_from_wire(request)

    assert refusal.value.field == "views[1].count"


def test_views_of_what_is_no_id_are_refused_by_name():
    request = pb.RecordViewsRequest(views=[pb.Views(product_id="lamp", count=1)])

    with pytest.raises(InvalidInput) as refusal:
        activity.views_from_wire(request)

    assert refusal.value.field == "views[0].product_id"


@pytest.mark.parametrize("entries", [0, 501])
def test_batches_of_views_have_1_to_500_entries(entries):
    views = [pb.Views(product_id=str(LAMP), count=1)] * entries

    with pytest.raises(InvalidInput) as refusal:
        activity.views_from_wire(pb.RecordViewsRequest(views=views))

    assert refusal.value.field == "views"


@pytest.mark.parametrize("entries", [0, 101])
def test_activity_is_asked_of_1_to_100_products(entries):
    with pytest.raises(InvalidInput) as refusal:
        fields.product_ids_from_wire([str(LAMP)] * entries)

    assert refusal.value.field == "product_ids"


@pytest.mark.parametrize("entries", [0, 1_001])
def test_availability_is_asked_of_1_to_1000_skus(entries):
    request = stock_pb.BatchGetAvailabilityRequest(skus=["LAMP"] * entries)

    with pytest.raises(InvalidInput) as refusal:
        availability.skus_from_wire(request)

    assert refusal.value.field == "skus"


def test_availability_is_answered_in_the_order_asked():
    wire = availability.availabilities_to_wire([Sku("B"), Sku("A"), Sku("B")], {"A": 1, "B": 2})

    assert [(each.sku, each.available) for each in wire.availabilities] == [
        ("B", 2),
        ("A", 1),
        ("B", 2),
    ]


async def test_confirming_a_hold_counts_its_units_as_sold_once(world, alice):
    await world.receive("LAMP", 5)
    await world.receive("LAMP", 5, "shop")
    await world.reserve(alice, LAMP=7)

    for _ in range(2):
        await confirm_reservations(
            [ConfirmReservation(reservation_id=alice)] * 2, uow=world.uow, clock=world.clock
        )

    assert world.tables.sold == {(Sku("LAMP"), world.now.date()): 7}


async def test_a_hold_that_has_run_out_sells_nothing(world, alice):
    await world.receive("LAMP", 5)
    await world.reserve(alice, LAMP=2)
    world.wait(days=1)

    await confirm_reservations(
        [ConfirmReservation(reservation_id=alice)], uow=world.uow, clock=world.clock
    )

    assert not world.tables.sold
