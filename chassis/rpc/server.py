"""The one way in which a service offers its methods."""

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from chassis.rpc.server_edge import EdgedHandlers, Quick, ServerEdge

# A batch of 500 orders with 20 lines each stays well below.
MOST_MESSAGE_BYTES = 4 * 1024 * 1024
MOST_METADATA_BYTES = 128 * 1024

KEEPALIVE = (
    # Without the ping timeout a dead peer was noticed after 63 s, with it after 5 (measured).
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)

_OPTIONS = (
    # A port clash must be an error, not a second server that gets every other call.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MOST_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MOST_METADATA_BYTES),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    # Pings that waited while a server was frozen arrive together: no reason to hang up.
    ("grpc.http2.max_ping_strikes", 0),
    # Connections are renewed now and then, so that load spreads over new replicas.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
    # Calls that wait to be picked up: beyond 1,000 gRPC would drop some with CANCELLED, which no
    # client tries again. How many are at work is ours to say, and to refuse in a way that tells.
    ("grpc.server.max_pending_requests", 1_000_000),
    ("grpc.server.max_pending_requests_hard_limit", 1_000_000),
    *KEEPALIVE,
)

DRAIN_SECONDS = 5.0

# How long balancing clients take to see that we are leaving, before we do.
LEAVE_SECONDS = 0.3


class PortTaken(SystemExit):
    """
    The address to listen on is in use.
    """


class _Edged:
    """
    As much of a server as servicers are added to; it puts the edge around them.
    """

    def __init__(self, server: grpc.aio.Server, edge: ServerEdge) -> None:
        self._server = server
        self._edge = edge

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        edged = [EdgedHandlers(self._edge, methods) for methods in handlers]
        self._server.add_generic_rpc_handlers(edged)

    def add_registered_method_handlers(self, _service: str, _handlers: object) -> None:
        """
        Do nothing, as asyncio's server does: it looks into the generic handlers only.
        """


class Server:
    """
    A gRPC server that speaks our errors, deadlines, traces and health.
    """

    def __init__(self, *, domain: str, address: str, most_calls: int = 2_000) -> None:
        # Streams last. Were they to take the place of every call, nobody else would be answered,
        # not even who asks for the server's health.
        self._edge = ServerEdge(domain, most_calls=most_calls, most_streams=most_calls // 2)
        self._health = HealthServicer()
        self._address = address
        self._before_stop: list[Callable[[], None]] = []
        self._server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=most_calls)
        # Add servicers to this one.
        self.grpc = cast(grpc.aio.Server, _Edged(self._server, self._edge))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)

    def reflect(self, *services: str) -> None:
        """
        Let clients ask what *services* (full names) look like.
        """
        names = (*services, "grpc.health.v1.Health", reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self.grpc)

    def answer_quickly(self, method: str, quick: Quick) -> None:
        """
        Try *quick* before the handler of *method*, such as `/package.Service/Method`: it returns a
        serialized response, or `None`.
        """
        self._edge.answer_quickly(method, quick)

    def on_stop(self, end_streams: Callable[[], None]) -> None:
        """
        Call *end_streams* as the first thing when the server stops: streams without an end of
        their own would hold it up for as long as it waits for calls.
        """
        self._before_stop.append(end_streams)

    async def start(self) -> None:
        """
        Listen, and report healthy.

        Raises:
            PortTaken: Somebody else listens there.
        """
        try:
            self._server.add_insecure_port(self._address)
        except RuntimeError:
            raise PortTaken(
                f"cannot listen on {self._address}: it is in use; set GRPC_ADDRESS to a free one"
            ) from None
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """
        Leave the rotation, let the calls at work end, then stop.
        """
        for end_streams in self._before_stop:
            end_streams()
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(LEAVE_SECONDS)
        await self._server.stop(DRAIN_SECONDS)
        await self._edge.drain()
