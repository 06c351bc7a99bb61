"""One whole cluster for all of these tests."""

import pytest

from deploy.local.down import bring_down
from deploy.local.up import bring_up, silent


@pytest.fixture(scope="session")
async def cluster(tmp_path_factory):
    state = tmp_path_factory.mktemp("cluster") / "run"
    try:
        yield await bring_up(state, environ={}, report=silent)
    finally:
        await bring_down(state)
