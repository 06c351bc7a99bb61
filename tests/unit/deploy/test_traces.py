"""Traces read back from files."""

import orjson

from deploy.local.traces import CONSUMER, PRODUCER, missing_from, read_trace, tree_of

TRACE = "a" * 32


def written(file, service, *spans):
    request = {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": service}}]
                },
                "scopeSpans": [{"spans": list(spans)}],
            }
        ]
    }
    with file.open("ab") as lines:
        lines.write(orjson.dumps(request) + b"\n")


def span(id_, parent, name, *, at=0, ms=1, kind=1, trace=TRACE):
    return {
        "traceId": trace,
        "spanId": id_,
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(at * 1_000_000),
        "endTimeUnixNano": str((at + ms) * 1_000_000),
        "attributes": [],
        "status": {"code": 0, "message": ""},
    }


def test_a_trace_is_put_together_from_the_files_of_all(tmp_path):
    written(tmp_path / "demo.jsonl", "client", span("1", "", "customer", ms=9))
    written(
        tmp_path / "order-1.jsonl",
        "order",
        span("2", "1", "/retail.order.v1.OrderService/PlaceOrder", at=1, ms=5),
        span("3", "2", "SQL SELECT", at=2),
        span("9", "", "another", trace="b" * 32),
    )

    assert list(tree_of(read_trace(tmp_path, TRACE))) == [
        "      0.0 ms      9.0 ms  client: customer",
        "      1.0 ms      5.0 ms  └─ order: OrderService/PlaceOrder  (1 SQL, 1.0 ms)",
    ]


def test_a_line_that_is_being_written_is_left_for_later(tmp_path):
    (tmp_path / "order-1.jsonl").write_bytes(b'{"resourceSpans": "' + TRACE.encode())

    assert read_trace(tmp_path, TRACE) == []


def test_a_trace_of_an_order_has_all_services_a_publish_and_a_process(tmp_path):
    written(tmp_path / "a.jsonl", "client", span("1", "", "customer"))
    written(tmp_path / "a.jsonl", "order", span("2", "1", "publish", kind=PRODUCER))

    assert missing_from(read_trace(tmp_path, TRACE)) == [
        "spans of product",
        "spans of payment",
        "spans of fulfillment",
        "a process span",
    ]

    written(tmp_path / "a.jsonl", "fulfillment", span("3", "2", "process", kind=CONSUMER))
    written(tmp_path / "a.jsonl", "product", span("4", "2", "call"))
    written(tmp_path / "a.jsonl", "payment", span("5", "7", "call"))

    assert missing_from(read_trace(tmp_path, TRACE)) == ["the parents of 1 spans"]
