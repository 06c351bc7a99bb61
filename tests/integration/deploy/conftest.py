"""The commands, as a user runs them."""

import asyncio
import sys

import pytest

from deploy.local.topology import ROOT


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
