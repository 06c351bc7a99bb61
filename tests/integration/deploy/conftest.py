"""One whole cluster for all of these tests."""

import asyncio
import sys

import pytest

from deploy.local.down import bring_down
from deploy.local.topology import ROOT
from deploy.local.up import bring_up, silent


@pytest.fixture(scope="session")
async def cluster(tmp_path_factory):
    state = tmp_path_factory.mktemp("cluster") / "run"
    try:
        yield await bring_up(state, environ={}, report=silent)
    finally:
        await bring_down(state)


@pytest.fixture(scope="session")
async def local(cluster):
    """
    Run a command as a user does, and return how it ended and what it printed:
    `await local("demo", "--json")`.
    """

    async def run(*command):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.local", *command, "--state", str(cluster.state)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    return run
