"""Rows of several databases side by side, without holding them in memory."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

_END: Any = object()


async def side_by_side(
    *streams: AsyncIterator[Any],
) -> AsyncIterator[tuple[Any, Sequence[Any]]]:
    """
    Yield each key that one of *streams* has, with the row that each has for it, or `None`.

    The first column of a row is its key; every stream is in order of its keys, and has each once.
    """
    heads = [await anext(stream, _END) for stream in streams]
    while True:
        keys = [head[0] for head in heads if head is not _END]
        if not keys:
            return
        key = min(keys)
        row: list[Any] = []
        for number, head in enumerate(heads):
            if head is not _END and head[0] == key:
                row.append(head)
                heads[number] = await anext(streams[number], _END)
            else:
                row.append(None)
        yield key, row
