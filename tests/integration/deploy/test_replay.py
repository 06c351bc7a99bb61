"""The replay, on a real cluster, with services and the replay itself being killed."""

import asyncio
import json
import os
import random
import signal
import sys
from argparse import Namespace
from contextlib import suppress

import asyncpg
import pytest

from deploy.local import audit, replay
from deploy.local.cluster import load
from deploy.local.databases import asyncpg_url
from deploy.local.topology import ROOT

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def invoices(first, count):
    """
    Return CSV rows of *count* invoices: small baskets, and of each twentieth one unit comes back.
    """
    dice = random.Random(first)
    yield HEADER
    for number in range(first, first + count):
        date = "2010-12-01 08:26:00"
        for _ in range(dice.randint(1, 5)):
            code, price = dice.randint(10_000, 10_040), dice.choice(["0.85", "2.55", "12.10"])
            units = dice.randint(1, 24)
            yield f"{number},{code},THING {code},{units},{date},{price},17850.0,United Kingdom"
        yield f"{number},POST,POSTAGE,1,{date},3.5,17850.0,United Kingdom"
        if number % 20 == 0:
            yield f"C{number},{code},THING {code},-1,{date},{price},17850.0,United Kingdom"
            yield f"C{number},99999,NEVER BOUGHT,-1,{date},0.85,17850.0,United Kingdom"


@pytest.fixture
def data(tmp_path):
    def write(first, count):
        file = tmp_path / f"invoices-{first}.csv"
        file.write_text("\n".join(invoices(first, count)) + "\n")
        return file

    return write


def asked(cluster, file, **more):
    defaults = {"speed": None, "limit": None, "batch": 20, "short": 0.0, "json": True}
    defaults |= {"kill": "", "kills": None}
    return Namespace(state=cluster.state, data=file, **(defaults | more))


async def orders_of(cluster, file):
    """
    Count the orders whose reference is an invoice of *file*.
    """
    numbers = {line.split(",")[0] for line in file.read_text().splitlines()[1:]}
    connection = await asyncpg.connect(asyncpg_url(cluster.databases["order"].admin))
    try:
        return await connection.fetchval(
            "SELECT count(*) FROM orders WHERE reference = ANY($1::text[])", list(numbers)
        )
    finally:
        await connection.close()


async def test_every_invoice_goes_all_the_way(cluster, data, capsys):
    file = data(700_000, 60)

    code = await replay.run(asked(cluster, file))

    summary = json.loads(capsys.readouterr().out)
    assert (summary["placed"], summary["completed"], summary["not_ended"]) == (60, 60, 0)
    assert (summary["returns"], summary["returns_closed"]) == (3, 3)
    assert summary["refunded_minor_units"] > 0
    assert summary["cancelled_units_unmatched"] == {
        "cancelled: never bought, as far as the data go": 3
    }
    assert summary["place_to_completed"]["count"] == 60
    assert summary["verify"]["holds"]
    assert code == 0
    assert await audited(cluster, file, capsys) == (0, [])
    # One unit more comes back by the file than by the databases.
    with file.open("a") as text:
        text.write("C1,10001,THING,-1,2010-12-02 08:26:00,0.85,17850.0,United Kingdom\n")
    code, differences = await audited(cluster, file, capsys)
    assert code == 1
    assert any("return" in each for each in differences)


async def audited(cluster, file, capsys):
    """
    Hold the databases beside *file*, and return how that ended and the differences.
    """
    code = await audit.run(Namespace(state=cluster.state, data=file, limit=None, json=True))
    return code, json.loads(capsys.readouterr().out)["differences"]


async def test_again_changes_nothing(cluster, data, capsys):
    file = data(701_000, 20)
    await replay.run(asked(cluster, file))
    first = json.loads(capsys.readouterr().out)

    code = await replay.run(asked(cluster, file))

    again = json.loads(capsys.readouterr().out)
    assert code == 0
    assert await orders_of(cluster, file) == 20
    assert again["place_to_completed"] == first["place_to_completed"]


async def test_what_is_short_is_rejected_and_counted(cluster, data, capsys):
    file = data(702_000, 30)

    code = await replay.run(asked(cluster, file, short=1.0))

    summary = json.loads(capsys.readouterr().out)
    assert summary["rejected"]["OUT_OF_STOCK"] > 0
    assert summary["completed"] + summary["rejected"]["OUT_OF_STOCK"] == 30
    without = sum(summary["returns_without_order"].values())
    assert summary["returns_closed"] + without == summary["returns"] == 2
    assert code == 0


async def test_it_survives_the_death_of_every_service(cluster, data, capsys):
    file = data(703_000, 300)

    async def kill_one_after_another():
        for name in ("order-1", "fulfillment-1", "product-1", "payment-1"):
            await asyncio.sleep(0.7)
            identity = load(cluster.state).process(name).identity
            with suppress(ProcessLookupError):
                os.kill(identity.pid, signal.SIGKILL)

    async with asyncio.TaskGroup() as tasks:
        replaying = tasks.create_task(replay.run(asked(cluster, file, batch=10)))
        tasks.create_task(kill_one_after_another())

    summary = json.loads(capsys.readouterr().out)
    assert (summary["completed"], summary["returns_closed"]) == (300, 15)
    assert [i for i in summary["verify"]["invariants"] if i["violations"]] == []
    assert replaying.result() == 0


async def test_it_kills_a_service_itself_and_counts(cluster, data, capsys):
    file = data(706_000, 150)

    code = await replay.run(asked(cluster, file, batch=10, kill="payment", kills=1))

    summary = json.loads(capsys.readouterr().out)
    assert (summary["kills"], summary["kills_asked"], summary["completed"]) == (1, 1, 150)
    assert code == 0


@pytest.mark.parametrize(("first", "signum"), [(704_000, signal.SIGKILL), (705_000, signal.SIGINT)])
async def test_the_same_command_goes_on_where_it_was_stopped(cluster, data, first, signum):
    file = data(first, 150)
    command = (sys.executable, "-m", "deploy.local", "replay", str(file), "--batch", "10")
    place = {"cwd": ROOT, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.DEVNULL}
    state = ("--state", str(cluster.state))

    cut_short = await asyncio.create_subprocess_exec(
        *command, *state, "--speed", "max", start_new_session=True, **place
    )
    while await orders_of(cluster, file) < 20:
        await asyncio.sleep(0.02)
    cut_short.send_signal(signum)
    await cut_short.communicate()
    whole = await asyncio.create_subprocess_exec(*command, *state, "--json", **place)
    output, _ = await whole.communicate()

    summary = json.loads(output)
    assert (summary["placed"], summary["completed"]) == (150, 150)
    assert summary["returns_closed"] == summary["returns"] == 8
    assert await orders_of(cluster, file) == 150
    assert whole.returncode == 0
