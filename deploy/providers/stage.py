"""Work that gathers while earlier work is being done."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Stage(Generic[T]):
    """
    Does what has gathered, all of it at once, then what has gathered meanwhile.

    Args:
        work: Does a batch. It may `put` some of it back.
        most: The largest batch.
    """

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[None]], *, most: int = 200) -> None:
        self._work = work
        self._most = most
        self._waiting: list[T] = []
        self._working = 0
        self._later = 0
        self._some = asyncio.Event()

    def __len__(self) -> int:
        """
        Return how much is waiting or being done, or will be.
        """
        return len(self._waiting) + self._working + self._later

    def put(self, items: Iterable[T]) -> None:
        self._waiting.extend(items)
        if self._waiting:
            self._some.set()

    def put_later(self, items: Collection[T], *, seconds: float) -> None:
        """
        Put *items*, together and in their order, when so much time has passed.
        """
        if seconds <= 0 or not items:
            self.put(items)
            return
        self._later += len(items)
        asyncio.get_running_loop().call_later(seconds, self._put_now, items)

    async def run(self) -> None:
        """
        Work until cancelled.
        """
        while True:
            await self._some.wait()
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            if not self._waiting:
                self._some.clear()
            self._working = len(batch)
            await self._work(batch)
            self._working = 0

    def _put_now(self, items: Collection[T]) -> None:
        self._later -= len(items)
        self.put(items)
