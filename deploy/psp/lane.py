"""Requests gathered into batches, one at a time: all who came meanwhile share a commit."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from deploy.psp.outages import OUTAGES

log = logging.getLogger(__name__)

C = TypeVar("C")
R = TypeVar("R")


class Lane(Generic[C, R]):
    """
    A function over batches, to be called with one item at a time while `run` is running.

    Since there is one batch at a time, nobody else changes what a batch has read.

    Args:
        work: Answers a batch in order.
        most: The largest batch.
    """

    def __init__(
        self, work: Callable[[Sequence[C]], Awaitable[Sequence[R]]], *, most: int = 200
    ) -> None:
        self._work = work
        self._most = most
        self._waiting: list[tuple[C, asyncio.Future[R]]] = []
        self._arrived = asyncio.Event()

    async def __call__(self, item: C) -> R:
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        self._arrived.set()
        return await answer

    async def run(self) -> None:
        """
        Work until cancelled.
        """
        while True:
            await self._arrived.wait()
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            if not self._waiting:
                self._arrived.clear()
            await self._answer(batch)

    async def _answer(self, batch: Sequence[tuple[C, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._work([item for item, _ in batch])
        except OUTAGES as error:
            fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                log.exception("a request failed")
                fail(batch, error)
                return
            # One of them is bad: that is no reason to turn away the others.
            for each in batch:
                await self._answer([each])
        else:
            for (_, waiting), answer in zip(batch, answers, strict=True):
                if not waiting.cancelled():
                    waiting.set_result(answer)


def fail(batch: Sequence[tuple[C, asyncio.Future[R]]], error: Exception) -> None:
    for _, waiting in batch:
        if not waiting.cancelled():
            waiting.set_exception(error)
