from pathlib import Path

import pytest

from deploy.local.bench import must_be_writable, within
from deploy.local.errors import CommandFailed
from deploy.local.order_bench.journeys import Load


def test_a_load_is_named_by_what_it_can_be():
    many = Load(in_flight=1_000, batch=100)

    assert within(many, 4_000) == many
    assert str(within(many, 200)) == "batches of 100, 200 in flight"
    assert str(within(many, 1)) == "PlaceOrder, 1 in flight"
    assert str(within(Load(in_flight=5, batch=20), 40)) == "batches of 20, 20 in flight"


def test_where_nothing_can_be_written_is_known_before_anything_is_measured(tmp_path):
    must_be_writable(tmp_path / "figures.json")

    with pytest.raises(CommandFailed, match="cannot write to /nowhere"):
        must_be_writable(Path("/nowhere/figures.json"))
