"""What `up` promises."""

import json
import socket
from dataclasses import replace

import pytest

from deploy.local.cluster import load
from deploy.local.errors import Busy, NotRunning, PortTaken, StartFailed, StateUnreadable
from deploy.local.leftovers import find_leftovers
from deploy.local.plan import make_plan
from deploy.local.ports import Ports
from deploy.local.providers import with_providers
from deploy.local.state import exclusive
from deploy.local.status import status_of
from deploy.providers.file import DEFAULT_FILE, FileWrong
from tests.integration.local.conftest import SERVERS_OF_OUR_OWN


async def test_up_ends_when_all_are_well(up):
    cluster = await up(replicas=2)

    statuses = await status_of(cluster)
    assert [each.name for each in statuses] == ["product-1", "product-2", "order-1", "order-2"]
    assert not any(each.problem for each in statuses)


async def test_a_service_is_told_where_everything_is(up):
    cluster = await up(replicas=2)

    first, second = (cluster.process(name).address for name in ("order-1", "order-2"))
    told = cluster.process("product-1").environment
    assert told["ORDER_TARGET"] == cluster.targets["order"] == f"ipv4:{first},{second}"
    assert told["DATABASE_URL"] == cluster.databases["product"].app
    assert told["INSTANCE"] == "product-1"


async def test_the_merchant_is_told_where_its_psp_is_and_nobody_else(topology, state):
    with_psp = replace(topology, contexts=("order", "payment"), psp=("true",))
    plan = await make_plan(
        state, topology=with_psp, replicas=2, nats_nodes=1, environ=SERVERS_OF_OUR_OWN
    )

    first, second = (plan.process(name).environment for name in ("payment-1", "payment-2"))
    urls = json.loads(plan.process("psp").environment["PSP_WEBHOOKS"])["main"]["urls"]
    assert urls == [f"http://{each['WEBHOOK_ADDRESS']}/webhooks/main" for each in (first, second)]
    assert plan.psp.url in first["PSP_ACCOUNTS"]
    assert "PSP_ACCOUNTS" not in plan.process("order-1").environment


async def test_providers_are_played_by_the_file_that_is_named_and_come_last(topology, state):
    with_fulfillment = replace(topology, contexts=("order", "fulfillment"))
    named = {**SERVERS_OF_OUR_OWN, "PROVIDERS": str(DEFAULT_FILE)}
    plans = [
        await make_plan(state, topology=with_fulfillment, replicas=1, nats_nodes=1, environ=environ)
        for environ in (named, {**named, "PROVIDERS": ""})
    ]

    with_providers, without = ([process.name for process in plan.processes] for plan in plans)
    assert with_providers == ["order-1", "fulfillment-1", "providers"]
    assert without == ["order-1", "fulfillment-1"]
    told = plans[0].process("providers").environment
    assert told["FULFILLMENT_TARGET"] == plans[0].targets["fulfillment"]


async def test_a_file_of_providers_that_is_wrong_is_told_before_anything_starts(up, tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text("seed = 'x'")

    with pytest.raises(FileWrong, match=r"wrong\.toml: .*\$\.seed"):
        await up(environ={**SERVERS_OF_OUR_OWN, "PROVIDERS": str(file)})


async def test_the_record_is_for_its_owner_alone(up, state):
    await up()

    assert (state / "cluster.json").stat().st_mode & 0o777 == 0o600


async def test_up_again_changes_nothing(up):
    first = await up()
    said = []

    second = await up(report=said.append)

    assert second == first
    assert "running already" in said[0]


async def test_asking_a_running_cluster_for_more_says_how_to_get_it(up):
    await up()
    said = []

    cluster = await up(replicas=2, report=said.append)

    assert cluster.replicas == 1
    assert "`make down` first" in said[0]


async def test_other_providers_than_those_at_work_are_not_passed_over(up, tmp_path):
    await up()
    said = []

    await up(environ={"PROVIDERS": str(tmp_path / "my.toml")}, report=said.append)
    await up(environ=with_providers({}), report=said.append)

    other, usual = said
    assert "PROVIDERS=: to have it otherwise, `make down` first" in other
    assert "`make down`" not in usual


def test_a_taken_port_is_named_with_its_holder():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])

        with pytest.raises(PortTaken, match=rf"ORDER_PORT={port}.* is taken by .*pid") as refusal:
            Ports({"ORDER_PORT": port}).take("ORDER_PORT")

    assert "leave it unset" in str(refusal.value)


def test_ports_that_are_asked_for_are_given_one_to_each_replica():
    free = Ports({}).take()
    ports = Ports({"ORDER_PORT": str(free)})

    assert ports.take("ORDER_PORT", 1) == free
    assert ports.take() != free


async def test_a_service_that_does_not_start_ends_everything_and_says_why(up, state, topology):
    one_is_broken = replace(topology, contexts=("product", "broken"))

    with pytest.raises(StartFailed, match=r"(?s)broken-1.*I cannot find my shoes"):
        await up(topology=one_is_broken)

    assert find_leftovers(state) == []
    with pytest.raises(NotRunning):
        load(state)


async def test_only_one_up_at_a_time(up, state):
    with exclusive(state), pytest.raises(Busy):
        await up()


async def test_a_corrupt_record_is_no_riddle(up, state):
    state.mkdir()
    (state / "cluster.json").write_text("{")

    with pytest.raises(StateUnreadable, match="make down"):
        await up()
