"""Warehouses: what they find adds up, and is found again."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from deploy.providers.warehouse import Rules, has_come, receipt_for
from retail.fulfillment.v1 import return_service_pb2 as pb

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_return(number=1, units=3, **more):
    line = pb.ReturnLine(sku="LAMP", quantity=units, reason=pb.RETURN_REASON_CHANGED_MIND)
    content = {
        "return_id": str(UUID(int=number)),
        "account_id": "demo-1",
        "location_id": "main",
        "lines": [line],
        "create_time": {"seconds": int(NOON.timestamp())},
    }
    return pb.Return(**content | more)


def counted(receipt):
    counts = Counter()
    for count in receipt.counts:
        counts[pb.Disposition.Name(count.disposition).removeprefix("DISPOSITION_")] += (
            count.quantity
        )
    return counts


def test_goods_are_sellable_unless_the_rules_say_otherwise():
    assert counted(receipt_for(a_return(), Rules(), 0)) == {"SELLABLE": 3}


def test_what_comes_back_for_being_damaged_is_damaged():
    line = pb.ReturnLine(sku="LAMP", quantity=2, reason=pb.RETURN_REASON_DAMAGED)

    assert counted(receipt_for(a_return(lines=[line]), Rules(), 0)) == {"DAMAGED": 2}


@pytest.mark.parametrize("units", [1, 2, 7, 1000])
def test_whatever_is_found_every_unit_is_counted_once(units):
    rules = Rules(damaged=0.3, missing=0.3, refused=0.4)

    for number in range(20):
        receipt = receipt_for(a_return(number, units), rules, 0)
        assert counted(receipt).total() == units
        assert all(count.quantity > 0 for count in receipt.counts)


def test_a_share_of_few_units_is_a_whole_one_now_and_then():
    found = [receipt_for(a_return(n, 1), Rules(damaged=0.5), 0) for n in range(100)]

    damaged = sum(counted(receipt)["DAMAGED"] for receipt in found)
    assert 30 < damaged < 70


def test_a_return_that_is_counted_again_has_the_same_receipt():
    rules = Rules(damaged=0.5, missing=0.2)

    assert receipt_for(a_return(), rules, 7) == receipt_for(a_return(), rules, 7)


@pytest.mark.parametrize(
    ("rules", "concerned"),
    [
        (Rules(), True),
        (Rules(accounts=("demo-",)), True),
        (Rules(accounts=("other-",)), False),
        (Rules(locations=("main",)), True),
        (Rules(locations=("north",)), False),
    ],
)
def test_a_warehouse_counts_for_its_accounts_at_its_places(rules, concerned):
    assert rules.concern(a_return()) is concerned


def test_a_return_takes_its_time_to_come():
    rules = Rules(after_ms=500)

    assert not has_come(a_return(), rules, NOON + timedelta(milliseconds=499))
    assert has_come(a_return(), rules, NOON + timedelta(milliseconds=500))
