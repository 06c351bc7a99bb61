"""Writes docs/reference/asyncapi.json, all events and who hears them: `make docs`."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from chassis.events.headers import CONTENT_TYPE, HEADERS, OPTIONAL
from chassis.events.streams import durable_of, stream_of
from deploy.local.topology import WAYBILL

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "asyncapi.json"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

# As AsyncAPI registers it; its schemas are inlined as text.
PROTOBUF = "application/vnd.google.protobuf;version=3"
# A durable consumer is no queue group, and of anything else the NATS binding knows nothing yet.
BINDINGS = {"nats": {"bindingVersion": "0.1.0"}}

ABOUT = """\
The events by which the contexts of Waybill tell each other what happened, on NATS JetStream.

A channel is a subject, and a subject is the full protobuf name of the one event that is told there.
Each context has a stream of its own, and each listener one durable consumer for a context, by which
it hears all of its events: at least once, and those of one aggregate in order, without a gap.
What a listener has no use for it passes over.

A payload is Protobuf. Its schema here is an excerpt of protos/, complete in itself: what other
packages of ours lend to an event stands beside it, without the name of its package."""


@dataclass(frozen=True, slots=True)
class Written:
    """
    A message or an enum as it is written in protos/.
    """

    comment: str
    text: str


def page() -> str:
    """
    Return the document as it should be today.
    """
    pool = DescriptorPool()
    written: dict[str, Written] = {}
    for file in contracts():
        pool.Add(file)
        if file.package.startswith("retail."):
            written |= written_in(file)
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for context in WAYBILL.contexts:
        for event in events_of(context, pool):
            channels[event.full_name] = channel_of(event, context)
            operations |= operations_of(event, context)
            messages[event.full_name] = message_of(event, written)
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Waybill",
            "version": VERSION,
            "description": ABOUT,
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {"EventHeaders": headers()}},
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def contracts() -> list[FileDescriptorProto]:
    """
    Return all files of protos/ and what they import, with comments, each after its imports.
    """
    buf = Path(sys.executable).with_name("buf")
    build = subprocess.run(
        [buf, "build", "--output", "-"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    return list(FileDescriptorSet.FromString(build.stdout).file)


def written_in(file: FileDescriptorProto) -> dict[str, Written]:
    """
    Return how each message and enum of *file* is written there.
    """
    lines = (ROOT / "protos" / file.name).read_text().splitlines()
    at = {tuple(location.path): location for location in file.source_code_info.location}
    places = {
        **{(file.MESSAGE_TYPE_FIELD_NUMBER, i): m.name for i, m in enumerate(file.message_type)},
        **{(file.ENUM_TYPE_FIELD_NUMBER, i): e.name for i, e in enumerate(file.enum_type)},
    }
    written = {}
    for place, name in places.items():
        comment = at[place].leading_comments
        # Line and column where it starts and where it ends; all on one line, it is named once.
        span = at[place].span
        first, last = span[0], span[2] if len(span) == 4 else span[0]
        text = "\n".join(lines[first - len(comment.splitlines()) : last + 1])
        written[f"{file.package}.{name}"] = Written(" ".join(comment.split()), text)
    return written


def events_of(context: str, pool: DescriptorPool) -> Iterator[Descriptor]:
    file = pool.FindFileByName(f"retail/{context}/v1/{context}_events.proto")
    for message in file.message_types_by_name.values():
        if "meta" in message.fields_by_name:
            yield message


def channel_of(event: Descriptor, context: str) -> Mapping[str, Any]:
    return {
        "address": event.full_name,
        "description": f"Kept in the stream {stream_of(context)}.",
        "messages": {event.name: {"$ref": f"#/components/messages/{event.full_name}"}},
        "x-jetstream": {"stream": stream_of(context)},
    }


def operations_of(event: Descriptor, context: str) -> Mapping[str, Any]:
    """
    Return what is done with *event*: its context tells it, and others hear it.
    """
    channel = {"$ref": f"#/channels/{event.full_name}"}
    operations: dict[str, Any] = {
        f"{context}.send.{event.name}": {
            "action": "send",
            "channel": channel,
            "title": f"{context} tells {event.name}",
            "tags": [{"name": context}],
            "bindings": BINDINGS,
        }
    }
    for listener, heard in WAYBILL.listeners.items():
        if context in heard:
            operations[f"{listener}.receive.{event.name}"] = {
                "action": "receive",
                "channel": channel,
                "title": f"{listener} hears {event.name}",
                "tags": [{"name": listener}],
                "bindings": BINDINGS,
                "x-jetstream": {
                    "stream": stream_of(context),
                    "durable": durable_of(listener, context),
                },
            }
    return operations


def message_of(event: Descriptor, written: Mapping[str, Written]) -> Mapping[str, Any]:
    return {
        "name": event.full_name,
        "title": event.name,
        "summary": written[event.full_name].comment,
        "contentType": CONTENT_TYPE,
        "headers": {"$ref": "#/components/schemas/EventHeaders"},
        "payload": {"schemaFormat": PROTOBUF, "schema": schema_of(event, written)},
    }


def schema_of(event: Descriptor, written: Mapping[str, Written]) -> str:
    """
    Return *event* and all that it is made of as one Protobuf file.
    """
    parts = parts_of(event)
    imports = sorted({part.file.name for name, part in parts.items() if name not in written})
    blocks = [
        'syntax = "proto3";',
        "\n".join(f'import "{name}";' for name in imports),
        *(written[name].text for name in parts if name in written),
    ]
    return re.sub(r"\bretail\.[a-z]+\.v\d+\.", "", "\n\n".join(blocks)) + "\n"


def parts_of(message: Descriptor) -> dict[str, Descriptor | EnumDescriptor]:
    """
    Return *message* and what its fields are made of, down to what is not ours.
    """
    parts: dict[str, Descriptor | EnumDescriptor] = {message.full_name: message}
    for field in message.fields:
        if field.enum_type:
            parts[field.enum_type.full_name] = field.enum_type
        elif field.message_type and field.message_type.file.package.startswith("retail."):
            parts |= parts_of(field.message_type)
        elif field.message_type:
            parts[field.message_type.full_name] = field.message_type
    return parts


def headers() -> Mapping[str, Any]:
    return {
        "type": "object",
        "description": "CloudEvents attributes (NATS protocol binding, binary mode), the trace,"
        " and what JetStream needs; it may add headers of its own.",
        "properties": {name: {"type": "string", **says} for name, says in HEADERS.items()},
        "required": [name for name in HEADERS if name not in OPTIONAL],
    }


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
