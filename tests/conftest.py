"""One loop for all tests, the one the services run on; and one whole cluster for those who ask."""

import pytest
import uvloop

from deploy.local.down import bring_down
from deploy.local.up import bring_up, silent


def pytest_asyncio_loop_factories(config, item):  # noqa: ARG001  (the hook's own names)
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
async def cluster(tmp_path_factory):
    state = tmp_path_factory.mktemp("cluster") / "run"
    try:
        yield await bring_up(state, environ={}, report=silent)
    finally:
        await bring_down(state)
