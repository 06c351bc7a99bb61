"""The bench of fulfillment, on servers of its own: so small that its figures mean nothing."""

import json


async def test_stages_history_and_settling_are_measured_beside_their_limits(local):
    options = ("--pieces", "100", "--kept", "400", "--rounds", "1", "--seconds", "1")
    code, output = await local("bench-fulfillment", "--json", *options)

    assert code == 0, output
    figures = json.loads(output)
    stages = ["accepted", "dispatched", "delivered"]
    stages += ["return requested", "return received", "return closed"]
    for lives in figures["stages"].values():
        assert [*lives["stages"]] == stages
        assert all(lives[limit] > 0 for limit in ("echo", "work_rows", "return_rows"))
        for done in lives["stages"].values():
            assert done["per_second"] > 0
            assert done["work"]["statements"]["fulfillment"] > 0
    assert [*figures["history"]] == ["2", "400"]
    for each in figures["history"].values():
        assert [*each] == stages
    settled = figures["settled"]
    assert settled["closed"] == settled["returns"] == 100
    assert {"fulfillment", "order", "payment", "product"} <= {*settled["work"]["cpu_ms"]}
