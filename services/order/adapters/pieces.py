"""Batches that may be larger than the other side takes at once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
A = TypeVar("A")

# What product and payment take in one call. A batch of orders may have more parcels.
MOST_ENTRIES = 500


async def in_pieces(
    items: Sequence[T], ask: Callable[[Sequence[T]], Awaitable[Sequence[A]]]
) -> Sequence[A]:
    """
    Return what *ask* answers to *items*, of which it is given so many at a time as may be.
    """
    answers: list[A] = []
    for first in range(0, len(items), MOST_ENTRIES):
        answers += await ask(items[first : first + MOST_ENTRIES])
    return answers
