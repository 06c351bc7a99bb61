"""Log lines as JSON, each with the trace it belongs to."""

import logging
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson
from opentelemetry import trace


class JsonFormatter(logging.Formatter):
    """
    One JSON object a line: time, level, service, instance, logger, message; `trace_id` and
    `span_id` inside a trace; `error` with the stack for an exception.
    """

    def __init__(self, *, service: str, instance: str) -> None:
        super().__init__()
        self._service = service
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "instance": self._instance,
            "logger": record.name,
            "message": record.getMessage(),
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = f"{span.trace_id:032x}"
            line["span_id"] = f"{span.span_id:016x}"
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def stack_of(error: BaseException) -> str:
    """
    Return what *error* is and where it came from, without its words: they may hold what was sent.
    """
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__name__}\n{frames}"
