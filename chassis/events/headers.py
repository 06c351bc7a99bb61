"""The headers of an event: who it is, as CloudEvents attributes, and the trace it belongs to."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

CONTENT_TYPE = "application/protobuf"

# What each header says, as JSON Schema: docs/reference/asyncapi.json publishes it.
HEADERS: Mapping[str, Mapping[str, str]] = {
    "Nats-Msg-Id": {
        "description": "By this JetStream drops repeats: the event's id; if the event is told"
        " again on request, followed by a dot and how many times it has been.",
        "pattern": r"^[0-9a-f-]{36}(\.[1-9][0-9]*)?$",
    },
    "ce-specversion": {"description": "The version of CloudEvents.", "const": "1.0"},
    "ce-id": {
        "description": "A UUIDv7, unique for this event for ever.",
        "format": "uuid",
    },
    "ce-source": {
        "description": "Which context speaks, such as `retail/order`.",
        "pattern": "^retail/[a-z]+$",
    },
    "ce-type": {
        "description": "The full protobuf name of the event, which is its subject, too.",
        "pattern": r"^retail\.[a-z]+\.v[0-9]+\.[A-Za-z]+$",
    },
    "ce-subject": {
        "description": "The id of the aggregate it happened to.",
        "format": "uuid",
    },
    "ce-sequence": {
        "description": "Counts the events of this aggregate: 1, 2, 3 … without a gap.",
        "pattern": "^[1-9][0-9]*$",
    },
    "ce-time": {"description": "When it happened, UTC.", "format": "date-time"},
    "ce-datacontenttype": {"description": "How the payload is written.", "const": CONTENT_TYPE},
    "traceparent": {
        "description": "The W3C trace context; absent if the event belongs to no trace.",
        "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    },
}
OPTIONAL = frozenset({"traceparent"})


def event_headers(
    *,
    context: str,
    event_id: UUID,
    subject: str,
    aggregate_id: UUID,
    aggregate_version: int,
    occurred_at: datetime,
    replays: int,
    trace: str,
) -> dict[str, str]:
    """
    Return the headers of one event, as HEADERS describes them.

    Args:
        context: Which service speaks.
        replays: How many times the event was told again.
        trace: A W3C `traceparent`; empty if there is none.
    """
    headers = {
        # What is told again must look new to JetStream, which drops repeats for a while.
        "Nats-Msg-Id": f"{event_id}.{replays}" if replays else str(event_id),
        "ce-specversion": "1.0",
        "ce-id": str(event_id),
        "ce-source": f"retail/{context}",
        "ce-type": subject,
        "ce-subject": str(aggregate_id),
        "ce-sequence": str(aggregate_version),
        "ce-time": occurred_at.isoformat(),
        "ce-datacontenttype": CONTENT_TYPE,
    }
    if trace:
        headers["traceparent"] = trace
    return headers
