"""
The least that GetProduct could cost: a bare handler that answers with the same bytes.

`python -m deploy.local.product_bench.bytes_server` reads them as hexadecimal from its first line
of input, and says where it listens.
"""

import asyncio
import signal
import sys

import grpc
import uvloop

from chassis.runner import tame_garbage_collector

ANSWER = "/limit/Answer"


async def main(answer: bytes) -> None:
    async def respond(_request: bytes, _context: grpc.aio.ServicerContext) -> bytes:
        return answer

    server = grpc.aio.server()
    handler: grpc.RpcMethodHandler = grpc.unary_unary_rpc_method_handler(respond)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("limit", {"Answer": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    tame_garbage_collector()
    print(f"127.0.0.1:{port}", flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    # Ctrl-C is for the bench, which ends its servers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvloop.run(main(bytes.fromhex(sys.stdin.readline())))
