"""The commands, as a user sees them."""

import json
import subprocess
import sys

from deploy.local.topology import ROOT


def local(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_status_of_nothing_says_how_to_start(tmp_path):
    answer = local("status", "--state", tmp_path)

    assert answer.returncode == 1
    assert "make up" in answer.stderr


def test_down_of_nothing_is_no_error(tmp_path):
    assert local("down", "--state", tmp_path).returncode == 0


async def test_status_is_0_only_if_all_are_well(up, state):
    cluster = await up()

    answer = local("status", "--json", "--state", state)

    assert answer.returncode == 0
    assert [each["pid"] for each in json.loads(answer.stdout)] == [
        process.identity.pid for process in cluster.processes
    ]


async def test_logs_say_whose_lines_they_are(up, state):
    await up()
    (state / "logs" / "order-1.log").write_text("first\nsecond\n")
    (state / "logs" / "order-2.log").write_text("third\n")

    assert local("logs", "order-1", "--state", state).stdout == "first\nsecond\n"
    assert "order-2 | third\n" in local("logs", "order", "--state", state).stdout
