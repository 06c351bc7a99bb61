from pathlib import Path

import pytest

from deploy.local.cluster import Cluster
from deploy.local.errors import CommandFailed
from deploy.local.kills import kills_of
from deploy.local.processes import Process

CLUSTER = Cluster(
    state=Path("run"),
    replicas=1,
    nats_nodes=1,
    admin_url="",
    databases={},
    nats_url="",
    cache_url="",
    targets={},
    processes=tuple(
        Process(name=f"{role}-1", role=role, command=("true",), log=Path("log"))
        for role in ("server", "payment", "order")
    ),
)


def test_who_names_no_service_there_is_hears_which_there_are():
    with pytest.raises(CommandFailed, match="no service 'orders' to kill: say one of order, pay"):
        kills_of(CLUSTER, "orders", times=None)


def test_who_says_how_often_says_whom():
    with pytest.raises(CommandFailed, match="say which service to kill"):
        kills_of(CLUSTER, "", times=3)


def test_nothing_is_killed_unless_it_is_asked_for_and_ten_times_if_no_number_is_said():
    assert kills_of(CLUSTER, "", times=None) is None
    assert (kills := kills_of(CLUSTER, "order", times=None))
    assert kills.times == 10
