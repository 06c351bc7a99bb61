"""
All that happens around a handler. It is put around each method once, when that is first called: an
interceptor would be asked with every call, and a cached answer is little more than that.

First, methods that can answer at once do so: with bytes that are ready, and no more ado. Otherwise,
in order: the caller's deadline starts the funnel; the trace goes on; the handler runs shielded
from the caller's impatience; whatever it raises becomes a status, and no exception text leaves
the process.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.outages import is_outage
from chassis.rpc import deadlines
from chassis.rpc.errors import DETAILS_KEY, status_from_error
from chassis.telemetry.tracing import context_of, item_spans, tracer, unpack_items

log = logging.getLogger(__name__)

DRAIN_SECONDS = 5.0

TRACEPARENT_KEY = "traceparent"
ITEMS_KEY = "waybill-item-traces-bin"

# How a `traceparent` ends whose lowest flag is set.
_SAMPLED = frozenset("13579bdf")

# Answers a request with a serialized response, or with `None` if it cannot do so at once. It is
# called for every request, on the event loop: no waiting, no refusing, no raising.
Quick = Callable[[Any], bytes | None]


class RequestUnreadable(InvalidInput):
    """
    What came is no such message: gRPC itself would answer with the text of the exception.
    """

    def __init__(self) -> None:
        super().__init__("the request is not a message of this method")


class ServerEdge:
    """
    Args:
        domain: Who says no, such as `order.retail`.
        most_calls: How many unary handlers may be at work; further calls are turned away.
        most_streams: How many streams may be open; further ones are turned away.
    """

    def __init__(self, domain: str, *, most_calls: int, most_streams: int) -> None:
        self._domain = domain
        self._most_calls = most_calls
        self._most_streams = most_streams
        self._streams = 0
        # Handlers at work. One goes on when its caller has left, as a commit may be under way:
        # a unit of work cut off in the middle would leave an outcome that nobody knows.
        self._working: set[asyncio.Task[Any]] = set()
        self._quick: dict[str, Quick] = {}

    def answer_quickly(self, method: str, quick: Quick) -> None:
        """
        Try *quick* before the handler of *method*, such as `/package.Service/Method`. To be said
        before the server starts.

        A call that is traced goes the long way, so that it leaves a span.
        """
        self._quick[method] = quick

    def around(self, method: str, handler: Any) -> Any:
        """
        Return *handler* of *method* with everything that belongs around it.
        """
        if handler.unary_unary and not method.startswith("/grpc."):
            around = self._around_unary(method, handler.unary_unary)
            serialize = handler.response_serializer
            if quick := self._quick.get(method):
                around, serialize = _quick_first(quick, around), _serialize_unless_done(serialize)
            return grpc.unary_unary_rpc_method_handler(
                around, _none_if_unreadable(handler.request_deserializer), serialize
            )
        if handler.unary_stream and not method.startswith("/grpc."):
            return grpc.unary_stream_rpc_method_handler(
                self._around_stream(handler.unary_stream),
                _none_if_unreadable(handler.request_deserializer),
                handler.response_serializer,
            )
        return handler

    async def drain(self) -> None:
        """
        Wait for the handlers that go on without their callers.
        """
        if self._working:
            await asyncio.wait(self._working, timeout=DRAIN_SECONDS)

    def _around_unary(self, method: str, respond: Any) -> Any:
        async def respond_traced(request: Any, context: Any, span: Span) -> Any:
            try:
                return await respond(request, context)
            except Exception as error:  # mapped below; nothing is swallowed
                span.set_status(StatusCode.ERROR, type(error).__name__)
                await self._abort(context, error)

        async def respond_within(request: Any, context: Any) -> Any:
            deadlines.begin(context.time_remaining())
            metadata = dict(context.invocation_metadata() or ())
            items = unpack_items(metadata.get(ITEMS_KEY, b""))
            if items:
                with item_spans(method, items, kind=SpanKind.SERVER, complete=False):
                    return await respond_traced(request, context, INVALID_SPAN)
            parent = context_of(metadata.get(TRACEPARENT_KEY, ""))
            with tracer.start_as_current_span(
                method, context=parent, kind=SpanKind.SERVER, record_exception=False
            ) as span:
                return await respond_traced(request, context, span)

        async def respond_shielded(request: Any, context: Any) -> Any:
            if request is None:
                await self._abort(context, RequestUnreadable())
            if len(self._working) >= self._most_calls:
                # gRPC counts only those whose callers still wait.
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls at work")
            task = asyncio.create_task(respond_within(request, context))
            self._working.add(task)
            task.add_done_callback(self._finished)
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                # Either the caller has left, or the handler was cancelled from within: its caller
                # would wait for an answer to the end of his time.
                if task.cancelled():
                    await self._abort(context, ConnectionAbortedError("a handler was cancelled"))
                raise

        return respond_shielded

    def _around_stream(self, respond: Any) -> Any:
        async def respond_within(request: Any, context: Any) -> AsyncIterator[Any]:
            if request is None:
                await self._abort(context, RequestUnreadable())
            if self._streams >= self._most_streams:
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many streams are open")
            self._streams += 1
            try:
                async for response in respond(request, context):
                    yield response
            except Exception as error:  # mapped below; nothing is swallowed
                await self._abort(context, error)
            finally:
                self._streams -= 1

        return respond_within

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._working.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that left does not collect it

    async def _abort(self, context: Any, error: Exception) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError):
            raise error  # the handler has said it already
        if isinstance(error, DomainError):
            status = status_from_error(error, self._domain)
        elif is_outage(error):
            log.warning("unavailable: %s: %s", type(error).__name__, str(error)[:300])
            code = grpc.StatusCode.UNAVAILABLE.value[0]
            status = Status(code=code, message="something needed is not answering; try again")
        else:
            log.error("a handler failed", exc_info=error)
            code = grpc.StatusCode.INTERNAL.value[0]
            status = Status(code=code, message="an internal error; the log has it by trace id")
        metadata = ((DETAILS_KEY, status.SerializeToString()),)
        await context.abort(_CODES[status.code], status.message, trailing_metadata=metadata)
        raise AssertionError  # abort always raises


class EdgedHandlers(grpc.GenericRpcHandler):
    """
    The methods of one service, with the edge around them.
    """

    def __init__(self, edge: ServerEdge, methods: grpc.GenericRpcHandler) -> None:
        self._edge = edge
        self._methods = methods
        self._known: dict[str, Any] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method
        known = self._known.get(method)
        if known is None and (handler := self._methods.service(handler_call_details)):
            # Only methods that there are: what callers make up is not remembered.
            known = self._known[method] = self._edge.around(method, handler)
        return known


def _quick_first(quick: Quick, respond: Any) -> Any:
    async def respond_quickly(request: Any, context: Any) -> Any:
        answer = None if request is None else quick(request)
        if answer is None or _is_traced(context):
            return await respond(request, context)
        return answer

    return respond_quickly


def _is_traced(context: Any) -> bool:
    return any(
        key == ITEMS_KEY or (key == TRACEPARENT_KEY and value[-1:] in _SAMPLED)
        for key, value in context.invocation_metadata() or ()
    )


def _none_if_unreadable(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def deserialize_or_none(request: bytes) -> Any:
        try:
            return deserialize(request)
        except DecodeError:
            return None

    return deserialize_or_none


def _serialize_unless_done(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    def serialize_unless_done(response: Any) -> bytes:
        return response if type(response) is bytes else serialize(response)

    return serialize_unless_done


_CODES = {code.value[0]: code for code in grpc.StatusCode}
