"""Traces, read back from the files that the services write, and shown as a tree with timings."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

# Kinds of spans, as OTLP numbers them.
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5

WITHIN_SECONDS = 5.0
BETWEEN_LOOKS_SECONDS = 0.2
# Spans leave their process a moment after they end.
SETTLED_SECONDS = 0.6

SERVICES = ("product", "order", "payment", "fulfillment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """
    Attributes:
        begin: Nanoseconds since 1970; `end` likewise.
    """

    id: str
    parent: str
    service: str
    name: str
    kind: int
    begin: int
    end: int
    failed: bool


def read_trace(folder: Path, trace_id: str) -> Sequence[Span]:
    """
    Return the spans of *trace_id* in *folder*, by time.
    """
    wanted = trace_id.encode()
    spans: dict[str, Span] = {}
    for file in sorted(folder.glob("*.jsonl*")):
        with file.open("rb") as lines:
            for line in lines:
                # Most lines speak of other traces: parsed are only those that may not. The last
                # one may be half written.
                if wanted in line and line.endswith(b"\n"):
                    spans |= {span.id: span for span in _spans(orjson.loads(line), trace_id)}
    return sorted(spans.values(), key=lambda span: (span.begin, span.id))


async def complete_trace(folder: Path, trace_id: str) -> Sequence[Span]:
    """
    Return the spans of *trace_id* once nothing is missing from them, or after some seconds.
    """
    deadline = time.monotonic() + WITHIN_SECONDS
    while True:
        before = read_trace(folder, trace_id)
        await asyncio.sleep(SETTLED_SECONDS)
        spans = read_trace(folder, trace_id)
        settled = len(spans) == len(before) and not missing_from(spans)
        if settled or time.monotonic() > deadline:
            return spans
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)


def missing_from(spans: Iterable[Span]) -> Sequence[str]:
    """
    Say what a trace of a whole order would have and this one has not.
    """
    spans = list(spans)
    there = {span.service for span in spans}
    kinds = {span.kind for span in spans}
    known = {span.id for span in spans}
    orphans = sum(1 for span in spans if span.parent and span.parent not in known)
    missing = [f"spans of {name}" for name in ("client", *SERVICES) if name not in there]
    if PRODUCER not in kinds:
        missing.append("a publish span")
    if CONSUMER not in kinds:
        missing.append("a process span")
    if orphans:
        missing.append(f"the parents of {orphans} spans")
    return missing


def tree_of(spans: Sequence[Span]) -> Iterator[str]:
    """
    Yield the lines of a tree: when each span began, how long it took, whose it is, what it is.
    Statements are told in one line for all of a span.
    """
    known = {span.id for span in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        children[span.parent if span.parent in known else ""].append(span)
    if not spans:
        return
    zero = min(span.begin for span in spans)
    for root in children[""]:
        yield from _branch(root, children, zero, "", "")


def _branch(
    span: Span, children: Mapping[str, Sequence[Span]], zero: int, here: str, below: str
) -> Iterator[str]:
    statements = [c for c in children.get(span.id, ()) if c.name.startswith("SQL ")]
    others = [c for c in children.get(span.id, ()) if not c.name.startswith("SQL ")]
    more = ""
    if statements:
        total = sum(c.end - c.begin for c in statements)
        more = f"  ({len(statements)} SQL, {total / 1e6:.1f} ms)"
    if span.failed:
        more += "  FAILED"
    yield (
        f"{(span.begin - zero) / 1e6:9.1f} ms {(span.end - span.begin) / 1e6:8.1f} ms"
        f"  {here}{span.service}: {_plain(span.name)}{more}"
    )
    for child in others:
        last = child is others[-1]
        yield from _branch(
            child,
            children,
            zero,
            below + ("└─ " if last else "├─ "),
            below + ("   " if last else "│  "),
        )


def _plain(name: str) -> str:
    """
    Leave out what every name here has: the package.
    """
    for context in SERVICES:
        name = name.replace(f"/retail.{context}.v1.", "").replace(f"retail.{context}.v1.", "")
    return name


def _spans(request: Mapping[str, Any], trace_id: str) -> Iterator[Span]:
    for resource in request["resourceSpans"]:
        attributes = resource["resource"]["attributes"]
        names = {each["key"]: each["value"].get("stringValue", "") for each in attributes}
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                if span["traceId"] == trace_id:
                    yield Span(
                        id=span["spanId"],
                        parent=span["parentSpanId"],
                        service=names.get("service.name", "?"),
                        name=span["name"],
                        kind=span["kind"],
                        begin=int(span["startTimeUnixNano"]),
                        end=int(span["endTimeUnixNano"]),
                        failed=span["status"]["code"] == 2,
                    )
