import asyncio
import json
import sys

import pytest

from tests.stress.faults import FAULTS, ON_DEMAND
from tests.stress.mistakes import MISTAKES


async def stress(*arguments):
    """
    Run `python -m tests.stress` and return its report.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.stress", "--json", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        output, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()
    report = json.loads(output)
    assert child.returncode == (0 if report["ok"] else 1)
    return report


async def test_whatever_happens_every_event_takes_effect_once_and_in_order():
    report = await stress("--seconds", "0")

    assert report["ok"], report
    # It was no idle run: every kind of fault and every crash point had its turn.
    assert report["faults"].keys() == FAULTS.keys() - set(ON_DEMAND)
    assert all(report["faults"].values()), report
    assert report["unasked"] == 0, report


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_planted_mistake_is_caught(mistake):
    # Whether a fault strikes at the moment that matters is a matter of luck: on a busy machine
    # the first run may be over before.
    for _ in range(4):
        report = await stress("--mistake", mistake)
        if report["violations"][MISTAKES[mistake].leads_to]:
            return
    pytest.fail(f"it was never seen: {report}")


async def test_without_a_mistake_the_same_faults_do_no_harm():
    faults = {fault for mistake in MISTAKES.values() for fault in mistake.faults}

    report = await stress("--small", *(word for fault in faults for word in ("--only", fault)))

    assert report["ok"], report
    assert report["faults"].keys() == faults
