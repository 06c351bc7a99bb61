"""The bench of orders, on clusters of its own: so small that its figures mean nothing."""

import json

import pytest

SMALL = ("--rounds", "1", "--seconds", "1", "--json")


@pytest.fixture
def bench(local, tmp_path):
    """
    Return what the bench finds, told to do as little as this, and see to it that it writes the same
    into a file.
    """

    async def run(*options):
        file = tmp_path / "figures.json"
        code, output = await local("bench", *SMALL, "--out", str(file), *options)
        assert code == 0, output
        assert json.loads(file.read_text()) == json.loads(output)
        return json.loads(output)

    return run


async def test_journeys_are_counted_timed_and_their_cost_known_and_so_is_accepting(bench):
    parts = ("journeys", "half", "accept")
    which = [word for part in parts for word in ("--only", part)]
    figures = await bench(*which, "--orders", "40", "--batch", "20")

    (journeys,) = figures["journeys"].values()
    assert journeys["completed"] == 40
    assert 0 < journeys["call"]["p50"] < journeys["confirmed"]["p50"]
    assert journeys["confirmed"]["p50"] < journeys["completed_in"]["p50"]
    for service in ("product", "order", "payment", "fulfillment"):
        assert journeys["work"]["cpu_ms"][service] > 0
        assert journeys["work"]["statements"][service] > 0
    # One call or more for each of its four questions, at most one for every order.
    asked = journeys["work"]["calls"]["/retail.product.v1.ProductService/ReserveStock"]
    assert 1 / 40 <= asked <= 1
    (name,) = figures["half"]
    assert name == f"batches of 20, {journeys['per_second'] / 2:,.0f} orders/s"
    assert figures["limits"]["echo"] > 0
    for accepted in figures["accepted"].values():
        assert accepted["ours"]["per_second"] > 0
        assert accepted["echo"]["per_second"] > 0
        assert accepted["pgbench"] > 0


async def test_an_order_is_measured_among_many_that_are_kept(bench):
    figures = await bench("--only", "kept", "--kept", "2000", "--orders", "40")

    assert [*figures["kept"]] == ["20", "2,000"]
    assert all(journeys["completed"] == 40 for journeys in figures["kept"].values())
