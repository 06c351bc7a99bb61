"""
Trace context: read, written, and carried by things that are handled in batches.

One step of work often serves many orders at once, each with a trace of its own. Such a batch has
no single parent; instead every traced item gets a span of its own, and `item_traces` maps the
item's id to it while the batch is at work. A batch of one simply runs inside its item's trace.
"""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from uuid import UUID

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)

tracer = trace.get_tracer("waybill")

_NONE: Mapping[UUID, str] = MappingProxyType({})
_item_traces: ContextVar[Mapping[UUID, str]] = ContextVar("item_traces", default=_NONE)

# Bytes of one item in the packed form: its id, trace id and span id.
_ITEM = 16 + 16 + 8


def traceparent_of(span: Span) -> str:
    """
    Return *span* in the form of the W3C `traceparent` header; empty if it is no real span.
    """
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_traceparent() -> str:
    """
    Return the `traceparent` of the span at work here; empty if there is none.
    """
    span = trace.get_current_span()
    # Asked for every item of large batches, which mostly are in no trace.
    return "" if span is INVALID_SPAN else traceparent_of(span)


def context_of(traceparent: str) -> Context:
    """
    Return the context in which *traceparent* is the remote parent; an empty one if malformed.
    """
    parts = traceparent.split("-")
    try:
        _, trace_id, span_id, flags = parts
        parent = SpanContext(
            trace_id=int(trace_id, 16),
            span_id=int(span_id, 16),
            is_remote=True,
            trace_flags=TraceFlags(int(flags, 16)),
        )
    except ValueError:
        return Context()
    return set_span_in_context(NonRecordingSpan(parent), Context())


def trace_id_of(traceparent: str) -> str:
    """
    Return the trace id within *traceparent* if it is sampled, else nothing.
    """
    return traceparent[3:35] if is_sampled(traceparent) else ""


def is_sampled(traceparent: str) -> bool:
    return len(traceparent) == 55 and int(traceparent[-2:], 16) & TraceFlags.SAMPLED != 0


def trace_for(key: UUID, story: str = "") -> str:
    """
    Return the `traceparent` under which to file what happens to the item *key* now.

    Args:
        story: The `traceparent` the item was begun under. What works on it now (a provider's
            call, say) may be traced elsewhere; the item's own trace is then kept whole.
    """
    items = _item_traces.get()
    now = (items and items.get(key)) or current_traceparent()
    if story and now[3:35] != story[3:35]:
        return story
    return now


def item_traces() -> Mapping[UUID, str]:
    """
    Return the traces of the items at work here, by item id; only sampled ones.
    """
    return _item_traces.get()


@contextmanager
def item_spans(
    name: str | Mapping[UUID, str],
    parents: Mapping[UUID, str],
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    complete: bool = True,
) -> Generator[None]:
    """
    Give each sampled item of a batch a span of its own for as long as the block runs.

    Args:
        name: What the spans are called: all the same, or each by its item id.
        parents: The `traceparent` of each item, by item id.
        complete: Whether *parents* names every item at work. If it then names one only, the
            block runs inside that item's trace.
    """

    def name_of(key: UUID) -> str:
        return name if isinstance(name, str) else name[key]

    if complete and len(parents) == 1:
        ((key, parent),) = parents.items()
        token = _item_traces.set(_NONE)
        try:
            with tracer.start_as_current_span(name_of(key), context=context_of(parent), kind=kind):
                yield
        finally:
            _item_traces.reset(token)
        return
    spans = {
        key: tracer.start_span(name_of(key), context=context_of(parent), kind=kind)
        for key, parent in parents.items()
        if is_sampled(parent)
    }
    for span in spans.values():
        span.set_attribute("waybill.batch_size", len(parents))
    token = _item_traces.set({key: traceparent_of(span) for key, span in spans.items()})
    # Whatever span the caller is in belongs to one item at most: not to the batch.
    detached = otel_context.attach(Context())
    try:
        yield
    finally:
        otel_context.detach(detached)
        _item_traces.reset(token)
        for span in spans.values():
            span.end()


@contextmanager
def item_span(name: str, key: UUID) -> Generator[None]:
    """
    Give the item *key* of the batch at work, if it is traced, a span for a call to somebody else
    who takes no batches, for as long as the block runs.
    """
    parent = trace_for(key)
    if not is_sampled(parent):
        yield
        return
    with tracer.start_as_current_span(name, context=context_of(parent), kind=SpanKind.CLIENT):
        yield


def pack_items(traces: Mapping[UUID, str]) -> bytes:
    """
    Return *traces* in 40 bytes an item, fit for a binary metadata value.
    """
    return b"".join(
        key.bytes + bytes.fromhex(traceparent[3:35]) + bytes.fromhex(traceparent[36:52])
        for key, traceparent in traces.items()
    )


def unpack_items(packed: bytes) -> dict[UUID, str]:
    """
    Return what `pack_items` packed; what is malformed is left out.
    """
    return {
        UUID(bytes=item[:16]): f"00-{item[16:32].hex()}-{item[32:40].hex()}-01"
        for item in _chunks(packed)
        if len(item) == _ITEM
    }


def _chunks(packed: bytes) -> Iterable[bytes]:
    return (packed[start : start + _ITEM] for start in range(0, len(packed), _ITEM))
