"""
A service that only says that it is well: `python stub_service.py NAME`. The one named `broken`
ends at once instead.
"""

import asyncio
import os
import signal
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio


async def main() -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    server = grpc.aio.server()
    health = aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    server.add_insecure_port(os.environ["GRPC_ADDRESS"])
    await server.start()
    await health.set("", health_pb2.HealthCheckResponse.SERVING)
    await stopped.wait()
    await server.stop(grace=1)


if __name__ == "__main__":
    if sys.argv[1] == "broken":
        sys.exit("I cannot find my shoes")
    asyncio.run(main())
