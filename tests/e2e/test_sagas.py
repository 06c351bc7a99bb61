"""Somebody looks after orders that wait, with the command-line tool."""

import asyncio
import json
import sys

import pytest

from deploy.local.topology import ROOT
from retail.order.v1 import order_service_pb2 as pb
from tests.e2e.conftest import asleep


@pytest.fixture
def sagas(cluster):
    """
    Run `make sagas` for the cluster; return how it ended and what it printed as JSON.
    """

    async def run(*arguments):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.local", "sagas", "--json"),
            *("--state", str(cluster.state), *arguments),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        return process.returncode, json.loads(output)

    return run


async def test_an_order_that_waits_for_its_provider_is_listed_and_given_up(shop, services, sagas):
    sku = await shop.lamps(5)
    async with asleep(services):
        placed = await shop.place(sku, 2)
        await shop.until(placed.order_id, pb.ORDER_STATUS_PLACED)

        _, listed = await sagas("list", "--waits-for", "provider")
        code, given_up = await sagas("compensate", placed.order_id, "--reason", "a call")
        order = await shop.outcome_of(placed.order_id)

    assert placed.order_id in [saga["order_id"] for saga in listed["oldest"]]
    assert code == 0, given_up
    assert (order.status, order.reason) == (pb.ORDER_STATUS_CANCELLED, "OPERATOR_REQUEST")
    assert "giving up asked for: a call" in [entry.what for entry in order.timeline]
    assert await shop.available(sku) == 5
