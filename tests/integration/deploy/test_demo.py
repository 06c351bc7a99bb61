"""The demo, on a real cluster."""

import json

import pytest


@pytest.mark.parametrize("time", ["first", "second"])
async def test_everything_is_as_expected_every_time(local, time):
    code, output = await local("demo", "--json")

    shown = json.loads(output)
    assert [order for order in shown["orders"] if order["problems"]] == [], time
    assert shown["trace"]["missing"] == []
    assert shown["verify"]["holds"]
    assert code == 0


async def test_it_is_shown_without_a_terminal(local):
    code, output = await local("demo")

    assert "order completed" in output
    assert "NOT AS EXPECTED" not in output
    assert "fulfillment: process OrderConfirmed" in output
    assert code == 0
