from dataclasses import replace
from uuid import UUID

import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.application.locations.create_location import LocationTaken
from services.product.application.locations.update_location import UpdateLocation, update_location
from services.product.application.stock.adjust_stock import (
    AdjustmentReason,
    AdjustStock,
    adjust_stock,
)
from services.product.application.stock.count_stock import CountStock, count_stock
from services.product.application.stock.damage_stock import DamageStock, damage_stock
from services.product.application.stock.receive_stock import ReceiveStock, receive_stock
from services.product.application.stock.restore_stock import RestoreStock, restore_stock
from services.product.application.stock.return_stock import ReturnStock, return_stock
from services.product.application.stock.return_stock_to_supplier import (
    ReturnStockToSupplier,
    return_stock_to_supplier,
)
from services.product.application.stock.transfer_stock import TransferStock, transfer_stock
from services.product.domain.events import StockAdjusted, StockReturned
from services.product.domain.location import LocationState
from services.product.domain.stock_item import StockCondition
from services.product.domain.values import EtagMismatch, LocationId

LAMP = Sku("LAMP")
MAIN, NORTH = LocationId("main"), LocationId("north")
DAMAGED = StockCondition.DAMAGED
ONE = UUID(int=1)


def at(location=MAIN, request_id=ONE, **more):
    return {"request_id": request_id, "sku": LAMP, "location_id": location, **more}


def units(number, **more):
    return at(quantity=Quantity(number), **more)


def adjustment(delta, **more):
    return AdjustStock(**at(delta=delta, reason=AdjustmentReason.STOLEN, **more))


def transfer(number, request_id=ONE):
    return TransferStock(
        request_id=request_id,
        sku=LAMP,
        from_location_id=MAIN,
        to_location_id=NORTH,
        quantity=Quantity(number),
    )


def counts(item):
    return item.on_hand, item.held, item.allocated, item.damaged


class Warehouse:
    def __init__(self, world):
        self.world = world

    async def do(self, verb, *commands):
        answers = await verb(commands, uow=self.world.uow, clock=self.world.clock)
        return [getattr(answer, "reason", answer) for answer in answers]

    @property
    def counts(self):
        return counts(self.world.stock(LAMP))


@pytest.fixture
async def warehouse(world, alice):
    """
    Ten lamps, of which three are promised and two damaged; five are free.
    """
    here = Warehouse(world)
    await world.receive(LAMP, 10)
    await world.locate(NORTH)
    await world.reserve(alice, LAMP=3)
    await here.do(damage_stock, DamageStock(**units(2, request_id=UUID(int=99))))
    yield here
    world.assert_conserved()


@pytest.mark.parametrize(
    ("verb", "command", "expected"),
    [
        (adjust_stock, adjustment(-5), (5, 3, 0, 2)),
        (adjust_stock, adjustment(4), (14, 3, 0, 2)),
        (adjust_stock, adjustment(-2, condition=DAMAGED), (8, 3, 0, 0)),
        (adjust_stock, adjustment(1, condition=DAMAGED), (11, 3, 0, 3)),
        (count_stock, CountStock(**at(on_hand=5)), (5, 3, 0, 2)),
        (count_stock, CountStock(**at(on_hand=12, damaged=0)), (12, 3, 0, 0)),
        (damage_stock, DamageStock(**units(5)), (10, 3, 0, 7)),
        (restore_stock, RestoreStock(**units(2)), (10, 3, 0, 0)),
        (return_stock_to_supplier, ReturnStockToSupplier(**units(5)), (5, 3, 0, 2)),
        (
            return_stock_to_supplier,
            ReturnStockToSupplier(**units(2, condition=DAMAGED)),
            (8, 3, 0, 0),
        ),
        (return_stock, ReturnStock(**units(1)), (11, 3, 0, 2)),
        (return_stock, ReturnStock(**units(1, condition=DAMAGED)), (11, 3, 0, 3)),
        (transfer_stock, transfer(5), (5, 3, 0, 2)),
    ],
)
async def test_a_verb_moves_what_it_says_and_once(warehouse, verb, command, expected):
    await warehouse.do(verb, command, command)
    await warehouse.do(verb, command)

    assert warehouse.counts == expected


@pytest.mark.parametrize(
    ("verb", "command"),
    [
        (adjust_stock, adjustment(-6)),
        (adjust_stock, adjustment(-3, condition=DAMAGED)),
        (count_stock, CountStock(**at(on_hand=4))),
        (count_stock, CountStock(**at(on_hand=5, damaged=3))),
        (damage_stock, DamageStock(**units(6))),
        (restore_stock, RestoreStock(**units(3))),
        (return_stock_to_supplier, ReturnStockToSupplier(**units(6))),
        (return_stock_to_supplier, ReturnStockToSupplier(**units(3, condition=DAMAGED))),
        (transfer_stock, transfer(6)),
    ],
)
async def test_what_is_promised_or_not_there_cannot_be_taken(warehouse, verb, command):
    before, told = warehouse.counts, len(warehouse.world.events)

    assert await warehouse.do(verb, command, command) == ["STOCK_INSUFFICIENT"] * 2

    assert warehouse.counts == before
    assert len(warehouse.world.events) == told


async def test_a_refused_request_may_be_done_when_there_are_more_goods(warehouse):
    assert await warehouse.do(transfer_stock, transfer(6)) == ["STOCK_INSUFFICIENT"]
    await warehouse.world.receive(LAMP, 1)

    (done,) = await warehouse.do(transfer_stock, transfer(6))

    assert counts(done.source) == (5, 3, 0, 2)
    assert counts(done.target) == (6, 0, 0, 0)


async def test_the_same_id_for_something_else_is_refused(warehouse):
    answers = await warehouse.do(transfer_stock, transfer(1), transfer(2))

    assert answers[1] == "REQUEST_ID_REUSED"


async def test_a_count_says_by_how_much_the_books_were_wrong(warehouse):
    (counted,) = await warehouse.do(count_stock, CountStock(**at(on_hand=8)))

    assert counted.difference == -2


async def test_a_count_that_agrees_tells_nothing(warehouse):
    told = len(warehouse.world.events)

    (counted,) = await warehouse.do(count_stock, CountStock(**at(on_hand=10)))

    assert counted.difference == 0
    assert len(warehouse.world.events) == told


async def test_goods_that_were_never_booked_can_be_counted(warehouse):
    await warehouse.do(count_stock, CountStock(**at(location=NORTH, on_hand=3)))

    assert warehouse.world.stock(LAMP, NORTH).on_hand == 3


async def test_events_say_what_was_done_and_why(warehouse):
    await warehouse.do(adjust_stock, adjustment(-1))
    await warehouse.do(return_stock, ReturnStock(**units(2, condition=DAMAGED)))

    assert warehouse.world.events[-2:] == [
        StockAdjusted(
            sku=LAMP,
            location_id=MAIN,
            kind="ADJUSTED",
            reason="STOLEN",
            delta_on_hand=-1,
            delta_damaged=0,
            on_hand=9,
        ),
        StockReturned(sku=LAMP, location_id=MAIN, quantity=2, sellable=False, on_hand=11),
    ]


async def test_there_must_be_a_location(world):
    here = Warehouse(world)
    nowhere = units(1, location=LocationId("nowhere"))

    assert await here.do(receive_stock, ReceiveStock(**nowhere)) == ["LOCATION_UNKNOWN"]
    assert await here.do(damage_stock, DamageStock(**nowhere)) == ["LOCATION_UNKNOWN"]
    assert world.tables.requests == {}
    assert world.tables.stock_items == {}


async def test_a_closed_location_takes_nothing_new_and_can_be_emptied(warehouse):
    world = warehouse.world
    await update_location(
        UpdateLocation(location_id=MAIN, state=LocationState.CLOSED), uow=world.uow
    )

    assert await warehouse.do(receive_stock, ReceiveStock(**units(1))) == ["LOCATION_CLOSED"]
    assert await warehouse.do(return_stock, ReturnStock(**units(1))) == ["LOCATION_CLOSED"]
    assert await warehouse.do(adjust_stock, adjustment(1)) == ["LOCATION_CLOSED"]
    await warehouse.do(transfer_stock, transfer(4))
    await warehouse.do(count_stock, CountStock(**at(on_hand=8)))
    assert warehouse.counts == (8, 3, 0, 2)


async def test_a_location_created_again_with_other_content_is_refused(world):
    first = await world.locate("east", priority=3)

    assert await world.locate("east", priority=3) == first
    with pytest.raises(LocationTaken):
        await world.locate("east", priority=4)


async def test_a_location_changes_only_as_it_was_seen(world):
    seen = await world.locate("east")
    rename = UpdateLocation(location_id=seen.id, name="Far east", etag=seen.etag)

    changed = await update_location(rename, uow=world.uow)

    assert (changed.name, changed.etag != seen.etag) == ("Far east", True)
    assert await update_location(rename, uow=world.uow) == changed
    with pytest.raises(EtagMismatch):
        await update_location(replace(rename, name="Near east"), uow=world.uow)
