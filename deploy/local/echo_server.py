"""The least that a gRPC server in Python can do: says where it listens, then echoes."""

import asyncio
import signal

import grpc
import uvloop


async def echo(request: bytes, _context: grpc.aio.ServicerContext) -> bytes:
    return request


async def main() -> None:
    server = grpc.aio.server()
    handler: grpc.RpcMethodHandler = grpc.unary_unary_rpc_method_handler(echo)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("calibration", {"Echo": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    # Ctrl-C is for the bench, which ends its servers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvloop.run(main())
