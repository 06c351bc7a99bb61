import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from chassis.events.headers import HEADERS, OPTIONAL, event_headers
from chassis.kernel.ids import new_id

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def headers(*, replays=0, trace=TRACE):
    return event_headers(
        context="order",
        event_id=new_id(),
        subject="retail.order.v1.OrderPlaced",
        aggregate_id=new_id(),
        aggregate_version=3,
        occurred_at=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        replays=replays,
        trace=trace,
    )


def fits(value, says):
    match says:
        case {"const": const}:
            return value == const
        case {"pattern": pattern}:
            return re.search(pattern, value)
        case {"format": "uuid"}:
            return UUID(value)
        case {"format": "date-time"}:
            return datetime.fromisoformat(value)
    return False


@pytest.mark.parametrize("replays", [0, 1, 12])
def test_headers_are_as_described(replays):
    said = headers(replays=replays)

    assert list(said) == list(HEADERS)
    assert [name for name, value in said.items() if not fits(value, HEADERS[name])] == []


def test_an_event_of_no_trace_has_no_header_for_it():
    assert HEADERS.keys() - headers(trace="").keys() == OPTIONAL


def test_what_is_told_again_has_an_id_that_jetstream_does_not_know():
    said = headers(replays=2)

    assert said["Nats-Msg-Id"] == f"{said['ce-id']}.2"
