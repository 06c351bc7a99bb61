import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.domain.stock import OutOfStock, Sourcing, SourcingStrategy, Stock
from services.product.domain.stock_item import StockItem
from services.product.domain.values import LocationId, Place

FIRST = SourcingStrategy.ONE_LOCATION_FIRST
ONLY = SourcingStrategy.ONE_LOCATION_ONLY
BY_PRIORITY = SourcingStrategy.SPLIT_BY_PRIORITY
BY_STOCK = SourcingStrategy.SPLIT_BY_STOCK


def an_item(sku, location, units, *, priority=0, is_open=True):
    item = StockItem.empty(Place(sku=Sku(sku), location_id=LocationId(location)))
    item.on_hand, item.priority, item.is_open = units, priority, is_open
    return item


def sourced(items, wanted, strategy=FIRST, only=()):
    sourcing = Sourcing(strategy=strategy, location_ids=frozenset(LocationId(id_) for id_ in only))
    lines = {Sku(sku): Quantity(units) for sku, units in wanted.items()}
    goods = Stock(items).source(lines, sourcing)
    return [(part.sku, part.location_id, part.quantity) for part in goods]


@pytest.fixture
def lamps():
    """
    East is the last to serve, and north has most.
    """
    return [
        an_item("LAMP", "east", 4, priority=9),
        an_item("LAMP", "north", 6, priority=5),
        an_item("LAMP", "west", 2, priority=1),
    ]


@pytest.mark.parametrize(
    ("strategy", "wanted", "expected"),
    [
        (FIRST, 2, [("west", 2)]),
        (FIRST, 3, [("north", 3)]),
        (FIRST, 7, [("north", 6), ("east", 1)]),
        (ONLY, 6, [("north", 6)]),
        (BY_PRIORITY, 3, [("west", 2), ("north", 1)]),
        (BY_PRIORITY, 12, [("west", 2), ("north", 6), ("east", 4)]),
        (BY_STOCK, 3, [("north", 3)]),
        (BY_STOCK, 11, [("north", 6), ("east", 4), ("west", 1)]),
    ],
)
def test_a_strategy_decides_which_locations_serve(lamps, strategy, wanted, expected):
    goods = sourced(lamps, {"LAMP": wanted}, strategy)

    assert goods == [("LAMP", location, units) for location, units in expected]


def test_locations_of_one_priority_serve_by_name():
    items = [an_item("LAMP", "north", 3), an_item("LAMP", "east", 3)]

    assert sourced(items, {"LAMP": 1}) == [("LAMP", "east", 1)]


def test_one_location_only_refuses_what_several_could_serve(lamps):
    with pytest.raises(OutOfStock):
        sourced(lamps, {"LAMP": 7}, ONLY)


@pytest.mark.parametrize("strategy", SourcingStrategy)
def test_more_than_there_is_comes_from_nowhere(lamps, strategy):
    with pytest.raises(OutOfStock):
        sourced(lamps, {"LAMP": 13}, strategy)


@pytest.mark.parametrize("strategy", SourcingStrategy)
def test_only_the_locations_asked_for_serve(lamps, strategy):
    assert sourced(lamps, {"LAMP": 1}, strategy, ["east"]) == [("LAMP", "east", 1)]


@pytest.mark.parametrize("strategy", SourcingStrategy)
def test_a_closed_location_serves_nothing_new(strategy):
    items = [an_item("LAMP", "east", 9, is_open=False), an_item("LAMP", "north", 1)]

    assert sourced(items, {"LAMP": 1}, strategy) == [("LAMP", "north", 1)]
    with pytest.raises(OutOfStock):
        sourced(items, {"LAMP": 1}, strategy, ["east"])


def test_one_location_that_has_everything_is_better_than_two_that_share_it():
    items = [
        an_item("LAMP", "east", 5),
        an_item("SHADE", "north", 5, priority=1),
        an_item("LAMP", "north", 5, priority=1),
    ]

    goods = sourced(items, {"LAMP": 1, "SHADE": 1})

    assert goods == [("LAMP", "north", 1), ("SHADE", "north", 1)]
