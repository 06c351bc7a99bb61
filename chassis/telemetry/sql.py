"""A span for each SQL statement that runs inside a sampled trace."""

from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from chassis.telemetry.tracing import tracer


def trace_statements(engine: Engine) -> None:
    """
    Trace every statement of *engine*: its text, never its values.
    """

    def before(
        _connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        # The polls of workers run outside of any trace and leave no span.
        if context is None or not trace.get_current_span().is_recording():
            return
        verb = statement.lstrip().split(None, 1)[0].upper()
        context._waybill_span = tracer.start_span(
            f"SQL {verb}",
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql", "db.query.text": statement[:2000]},
        )

    def after(
        _connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        span: Span | None = getattr(context, "_waybill_span", None)
        if span:
            span.end()

    def failed(error: ExceptionContext) -> None:
        span: Span | None = getattr(error.execution_context, "_waybill_span", None)
        if span:
            span.set_status(StatusCode.ERROR, type(error.original_exception).__name__)
            span.end()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)
