"""The one way in which anybody calls a service."""

import json
from collections.abc import Callable
from typing import Any

import grpc
from opentelemetry.trace import SpanKind, StatusCode

from chassis.rpc import deadlines
from chassis.rpc.metrics import calls_of
from chassis.rpc.server import KEEPALIVE, MOST_MESSAGE_BYTES, MOST_METADATA_BYTES
from chassis.rpc.server_edge import ITEMS_KEY, TRACEPARENT_KEY
from chassis.telemetry.tracing import item_traces, pack_items, traceparent_of, tracer

# Every mutation carries an id under which it may be repeated, so every call may be.
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    # A replica that says NOT_SERVING leaves the rotation at once.
    "healthCheckConfig": {"serviceName": ""},
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.05s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    # At most one retry for ten calls that went well: retries must not become the load.
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
}

_OPTIONS = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.enable_retries", 1),
    ("grpc.max_receive_message_length", 4 * MOST_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MOST_METADATA_BYTES),
    # A replica that was restarted is back within a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    *KEEPALIVE,
)


class ClientEdge(grpc.aio.UnaryUnaryClientInterceptor):
    """
    Gives each call what is left of the deadline, and hands on the trace.
    """

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        details = client_call_details
        seconds = deadlines.budget(details.timeout)
        method = details.method if isinstance(details.method, str) else details.method.decode()
        if seconds <= 0:
            none_left = grpc.aio.AioRpcError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                grpc.aio.Metadata(),
                grpc.aio.Metadata(),
                "no time was left to call",
            )
            none_left.add_note(method.rpartition(".")[2])
            raise none_left
        calls_of(method).inc()
        with tracer.start_as_current_span(
            method, kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
        ) as span:
            metadata = grpc.aio.Metadata(*(details.metadata or ()))
            if items := item_traces():
                metadata.add(ITEMS_KEY, pack_items(items))
            elif traceparent := traceparent_of(span):
                metadata.add(TRACEPARENT_KEY, traceparent)
            call = await continuation(_with(details, seconds, metadata), request)
            try:
                # Awaited here, or the call would outlive a cancelled caller.
                await call
            except grpc.aio.AioRpcError as error:
                span.set_status(StatusCode.ERROR, error.code().name)
                error.add_note(method.rpartition(".")[2])
                raise
            return call


def channel(target: str) -> grpc.aio.Channel:
    """
    Return a channel to the replicas at *target*, such as `ipv4:127.0.0.1:5001,127.0.0.1:5002`,
    balanced round robin over the healthy ones. Every unary call has a deadline.
    """
    return grpc.aio.insecure_channel(target, options=_OPTIONS, interceptors=[ClientEdge()])


def _with(
    details: grpc.aio.ClientCallDetails, seconds: float, metadata: grpc.aio.Metadata
) -> grpc.aio.ClientCallDetails:
    return grpc.aio.ClientCallDetails(
        method=details.method,
        timeout=seconds,
        metadata=metadata,
        credentials=details.credentials,
        # Unless the caller chose to fail at once, a call waits out a restart within its deadline.
        wait_for_ready=details.wait_for_ready is not False,
    )
