"""Time that passes only when nobody has anything left to do: then it jumps."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(AssertionError):
    """
    Everybody waits, and nobody for a time.
    """


class VirtualLoop(asyncio.SelectorEventLoop):
    """
    An event loop without a world outside. Sleeps, timeouts and deadlines mean what they say, and a
    month takes as long as what happens in it.
    """

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jump(self))
        # What is due within a microsecond is due: sums of floats are not exact.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.now


class _Jump(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Deadlock("everybody waits, and nobody for a time")
        self._loop.now += max(timeout, 0.0)
        return []


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """
    Return what *work* comes to; cancel what it has left running.
    """
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
