"""What the supervisor promises: whatever dies comes back, and nothing stays behind."""

import os
import signal
import subprocess
import sys
import time

import asyncpg
import pytest

from deploy.local.cluster import load
from deploy.local.down import bring_down
from deploy.local.errors import NotRunning
from deploy.local.leftovers import find_leftovers
from deploy.local.processes import MARK


def kill(cluster, name):
    os.kill(cluster.process(name).identity.pid, signal.SIGKILL)


async def test_a_killed_service_comes_back_on_the_same_port(up, recovery):
    cluster = await up()
    kill(cluster, "order-1")

    recovered = await recovery("order-1", 1)

    assert recovered.process("order-1").address == cluster.process("order-1").address
    assert recovered.process("order-1").identity != cluster.process("order-1").identity
    assert recovered.process("product-1") == cluster.process("product-1")


async def test_whoever_dies_again_waits_longer_but_not_for_long(up, state, recovery):
    cluster = await up()
    for restarts in range(1, 6):
        kill(cluster, "order-1")
        cluster = await recovery("order-1", restarts)

    log = (state / "logs" / "supervisor.log").read_text()
    assert [line.rsplit(maxsplit=2)[1] for line in log.splitlines()] == [
        *("0.2", "0.4", "0.8", "1.6", "2")
    ]


async def test_every_killed_server_comes_back_and_the_data_is_kept(up_with_servers, recovery):
    cluster = await up_with_servers()
    await execute(cluster.admin_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    for name in ("postgres", "nats-1", "valkey"):
        kill(cluster, name)

    for name in ("postgres", "nats-1", "valkey"):
        await recovery(name, 1)

    assert await execute(cluster.admin_url, "SELECT answer FROM kept") == 42


async def test_postgres_comes_back_though_a_session_is_busy(up_with_servers, recovery):
    cluster = await up_with_servers()
    session = await asyncpg.connect(cluster.admin_url)
    try:
        pid = await session.fetchval("SELECT pg_backend_pid()")
        # Busy, or at any rate in no state to notice that the postmaster is gone.
        os.kill(pid, signal.SIGSTOP)
        kill(cluster, "postgres")

        await recovery("postgres", 1)
    finally:
        session.terminate()


async def test_a_killed_session_does_no_harm(up_with_servers, recovery):
    cluster = await up_with_servers()
    session = await asyncpg.connect(cluster.admin_url)
    os.kill(await session.fetchval("SELECT pg_backend_pid()"), signal.SIGKILL)
    session.terminate()
    # PostgreSQL sends everybody away and recovers, all in the same process.
    wait_for_lines(cluster.process("postgres").log, "ready to accept connections", 2)

    await recovery("postgres", 0)


async def test_down_leaves_nothing_running_and_keeps_the_data(up_with_servers, state):
    cluster = await up_with_servers()
    await execute(cluster.admin_url, "CREATE TABLE kept AS SELECT 42 AS answer")

    await bring_down(state)

    assert find_leftovers(state) == []
    again = await up_with_servers()
    assert await execute(again.admin_url, "SELECT answer FROM kept") == 42


async def test_purge_removes_what_is_ours_and_nothing_else(up, state):
    await up()
    (state / "replay").mkdir()
    (state / "diary.txt").write_text("not yours")

    await bring_down(state, purge=True)

    assert [path.name for path in state.iterdir()] == ["diary.txt"]


async def test_a_crashed_run_is_cleared_away(up, state):
    crashed = await up()
    os.kill(crashed.supervisor.pid, signal.SIGKILL)
    wait_for_the_end(crashed)
    with pytest.raises(NotRunning, match="lost its supervisor"):
        load(state)
    # One that survives it, and that the record knows nothing of.
    lost = start_sleeper(state)

    cluster = await up()

    assert lost.wait(timeout=1) == -signal.SIGTERM
    assert cluster.alive
    assert not any(process.identity.alive for process in crashed.processes)


def wait_for_lines(log, text, count):
    while log.read_text().count(text) < count:
        time.sleep(0.01)


def wait_for_the_end(cluster):
    while cluster.alive:
        time.sleep(0.01)


def start_sleeper(state):
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    return subprocess.Popen(command, env=os.environ | {MARK: str(state)})


async def execute(url, statement):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
