"""Every test runs on one loop, and that is the loop the services run on."""

import uvloop


def pytest_asyncio_loop_factories(config, item):  # noqa: ARG001  (the hook's own names)
    return {"uvloop": uvloop.new_event_loop}
