"""
Writes the golden corpus, what every message of the contracts looks like in bytes: `make golden`.

tests/golden/<version>/ holds what that version wrote, with what it means; every later version reads
it. Only the folder of the version in pyproject.toml is written: after a release that is raised, and
the folder is closed. Until then messages and fields may come in, but whatever is recorded stays
readable, and the same meaning keeps the same bytes.
"""

import json
import sys
import tomllib
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from google.protobuf import any_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2

ROOT = Path(__file__).parents[1]
PROTOS = ROOT / "protos"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
CORPUS = ROOT / "tests" / "golden"

TODAY = descriptor_pool.Default()


class RecordBroken(Exception):
    """
    Bytes that are recorded would no longer mean what they meant.
    """


@dataclass(frozen=True, slots=True)
class Record:
    """
    A message as it travels.

    Attributes:
        message: Its full name, such as `retail.order.v1.OrderPlaced`.
        means: What the bytes say, as protobuf JSON with the names of the contract.
    """

    message: str
    wire: bytes
    means: Mapping[str, Any]


def records_of_today() -> Sequence[Record]:
    """
    Return every message of the contracts with all its fields set; one record for each alternative
    of its oneof, if it has one.
    """
    return [
        record_of(example(message, count(1), alternative))
        for message in messages()
        for alternative in range(max((len(oneof.fields) for oneof in message.oneofs), default=1))
    ]


def messages() -> Sequence[Descriptor]:
    """
    Return every message of the contracts, in the order of protos/.
    """
    files = [path.relative_to(PROTOS).with_suffix("") for path in sorted(PROTOS.rglob("*.proto"))]
    contracts = [import_module(".".join(file.parts) + "_pb2").DESCRIPTOR for file in files]
    return [
        message for contract in contracts for message in contract.message_types_by_name.values()
    ]


def example(message: Descriptor, numbers: Iterator[int], alternative: int) -> Message:
    """
    Return *message* with all its fields set.

    Args:
        numbers: Where values come from, each time another one, so that no field can be mistaken
            for another.
        alternative: Which field of each oneof is set.
    """
    if message.full_name == "google.protobuf.Any":
        # The one thing that travels in an Any: why something was refused.
        anything = any_pb2.Any()
        details = example(error_details_pb2.ErrorInfo.DESCRIPTOR, numbers, alternative)
        anything.Pack(details, deterministic=True)
        return anything
    values: dict[str, Any] = {}
    for field in message.fields:
        oneof = field.containing_oneof
        if oneof and field.name != oneof.fields[alternative % len(oneof.fields)].name:
            continue
        kind = field.message_type
        if kind and kind.GetOptions().map_entry:
            # One entry: of several, the order would be another each time.
            key, value = (example_value(part, numbers, alternative) for part in kind.fields)
            values[field.name] = {key: value}
        elif field.is_repeated:
            values[field.name] = [example_value(field, numbers, turn) for turn in range(2)]
        else:
            values[field.name] = example_value(field, numbers, alternative)
    keep_apart(message, values)
    return GetMessageClass(message)(**values)


def keep_apart(message: Descriptor, values: dict[str, Any]) -> None:
    """
    Give each enum among *values* a number that no other has, while there is one: those with the
    fewest to choose from first. True travels as 1.
    """
    choices = {
        field.name: set(field.enum_type.values_by_number) - {0}
        for field in message.fields
        if field.enum_type and field.name in values and not field.is_repeated
    }
    taken = {1} if any(value is True for value in values.values()) else set()
    for name in sorted(choices, key=lambda name: len(choices[name])):
        free = choices[name] - taken
        if free and values[name] not in free:
            values[name] = min(free)
        taken.add(values[name])


def example_value(field: FieldDescriptor, numbers: Iterator[int], alternative: int) -> Any:
    if field.message_type:
        return example(field.message_type, numbers, alternative)
    number = next(numbers)
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return f"{field.name} {number}"
        case FieldDescriptor.TYPE_BYTES:
            return f"{field.name} {number}".encode()
        case FieldDescriptor.TYPE_BOOL:
            return True
        case FieldDescriptor.TYPE_ENUM if field.enum_type:
            said = [value.number for value in field.enum_type.values if value.number]
            return said[number % len(said)]
        case _:
            # Beyond every enum's numbers, for which it could be mistaken.
            return 100 + number


def record_of(message: Message) -> Record:
    return Record(
        message.DESCRIPTOR.full_name,
        message.SerializeToString(deterministic=True),
        MessageToDict(message, preserving_proto_field_name=True),
    )


def is_understood(record: Record, contracts: DescriptorPool = TODAY) -> bool:
    """
    Tell whether *contracts* read from the recorded bytes what they meant, all of it and no more.
    """
    try:
        read = meaning_of(record, contracts)
    except (KeyError, DecodeError, TypeError):  # no such message, no such bytes, no such Any
        return False
    # As text, because to Python True is 1.
    return json.dumps(read, sort_keys=True) == json.dumps(record.means, sort_keys=True)


def meaning_of(record: Record, contracts: DescriptorPool = TODAY) -> Mapping[str, Any]:
    """
    Return what *contracts* read from the recorded bytes.
    """
    message = GetMessageClass(contracts.FindMessageTypeByName(record.message))
    return MessageToDict(
        message.FromString(record.wire),
        preserving_proto_field_name=True,
        descriptor_pool=contracts,
    )


def read_corpus(folder: Path) -> Sequence[Record]:
    """
    Return what *folder* has recorded; nothing if there is no such folder.
    """
    return [
        Record(line["message"], b64decode(line["bytes"]), line["means"])
        for file in sorted(folder.glob("*.jsonl"))
        for line in map(json.loads, file.read_text().splitlines())
    ]


def write_corpus(folder: Path, records: Sequence[Record]) -> None:
    """
    Write *records* to *folder*, a file for each package with a line for each record.

    Raises:
        RecordBroken: The folder has records that are no longer understood, or *records* has other
            bytes for what they mean.
    """
    recorded = read_corpus(folder)
    broken = {record.message for record in recorded if not is_understood(record)}
    broken |= {
        old.message
        for old in recorded
        for new in records
        if (new.message, new.means) == (old.message, old.means) and new.wire != old.wire
    }
    if broken:
        raise RecordBroken(
            f"{', '.join(sorted(broken))}: what {folder.name} has recorded would change its"
            " meaning or its bytes; leave fields their numbers and types, and add new ones"
        )
    lines: dict[str, list[str]] = defaultdict(list)
    for record in records:
        line = {
            "message": record.message,
            "bytes": b64encode(record.wire).decode(),
            "means": record.means,
        }
        package, _, _ = record.message.rpartition(".")
        lines[package].append(json.dumps(line) + "\n")
    folder.mkdir(parents=True, exist_ok=True)
    for package, its_lines in lines.items():
        (folder / f"{package}.jsonl").write_text("".join(its_lines))


if __name__ == "__main__":
    try:
        write_corpus(CORPUS / VERSION, records_of_today())
    except RecordBroken as refusal:
        sys.exit(f"golden: {refusal}")
