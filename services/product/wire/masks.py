"""Field masks: which fields to return, and which to change."""

from collections.abc import Mapping, Set
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from chassis.kernel.errors import InvalidInput

# The fields to keep, each with those to keep of its messages; none: all of them.
Kept = Mapping[str, "Kept"]


class ReadMaskInvalid(InvalidInput):
    pass


class UpdateMaskInvalid(InvalidInput):
    pass


def read_mask_from_wire(mask: FieldMask, message: type[Message]) -> Kept:
    """
    Return what *mask* wants of a *message*.

    Raises:
        ReadMaskInvalid: There is no such field.
    """
    kept: dict[str, Any] = {}
    for path in mask.paths:
        _must_exist(path, message.DESCRIPTOR)
        branch, whole = kept, False
        *parents, last = path.split(".")
        for name in parents:
            # An empty branch that is there already means all of it.
            whole = name in branch and not branch[name]
            if whole:
                break
            branch = branch.setdefault(name, {})
        if not whole:
            branch[last] = {}
    return kept


def keep(message: Message, kept: Kept) -> None:
    """
    Clear all fields of *message* but those *kept*; of none, keep all.
    """
    if not kept:
        return
    for field, value in message.ListFields():
        if field.name not in kept:
            message.ClearField(field.name)
        elif inner := kept[field.name]:
            for part in value if field.is_repeated else [value]:
                keep(part, inner)


def update_mask_from_wire(mask: FieldMask, allowed: Set[str]) -> Set[str]:
    """
    Return the fields that *mask* names.

    Raises:
        UpdateMaskInvalid: It names none, or one that cannot be changed.
    """
    named = set(mask.paths)
    if not named or not named <= allowed:
        raise UpdateMaskInvalid(
            f"update_mask must name some of {', '.join(sorted(allowed))}", field="update_mask"
        )
    return named


def _must_exist(path: str, message: Any) -> None:
    within = message
    for name in path.split("."):
        field = within.fields_by_name.get(name) if within else None
        if field is None:
            raise ReadMaskInvalid(
                f"read_mask: {message.name} has no field {path[:100]!r}", field="read_mask"
            )
        # What is inside a map, or in Money and Timestamp, is returned as a whole.
        inner = field.message_type
        is_ours = inner and not inner.GetOptions().map_entry and inner.file == message.file
        within = inner if is_ours else None
