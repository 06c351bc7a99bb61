"""The demo, on a real cluster."""

import json
from argparse import Namespace

import pytest

from deploy.local import demo


@pytest.mark.parametrize("time", ["first", "second"])
async def test_everything_is_as_expected_every_time(cluster, capsys, time):
    code = await demo.run(Namespace(state=cluster.state, json=True))

    shown = json.loads(capsys.readouterr().out)
    assert [order for order in shown["orders"] if order["problems"]] == [], time
    assert shown["trace"]["missing"] == []
    assert shown["verify"]["holds"]
    assert code == 0
