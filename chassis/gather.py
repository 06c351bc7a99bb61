"""
Calls gathered into batches, without waiting for more to come.

While one batch is at work the next one gathers; a lone call goes straight through. So a commit is
shared by as many callers as arrive during the one before (group commit), and latency does not pay
for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from chassis.outages import is_outage

C = TypeVar("C")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[C, R]):
    item: C
    answer: asyncio.Future[R]
    context: Context


class Gathered(Generic[C, R]):
    """
    A function over batches, to be called with one item at a time.

    Args:
        run: Answers a batch in order; an answer that is an exception is raised to its caller.
        most: The largest batch, in the unit of *size*; a single item may be larger.
        lanes: How many batches may be at work at once. The first one takes whatever is there, the
            others full batches only: many small ones would do the same work at a higher price.
        size: How much an item adds to a batch.
        yields: How many rounds of the event loop a batch waits, so that calls that have arrived
            already are in it: worth it where a batch costs far more than a round.
    """

    def __init__(
        self,
        run: Callable[[Sequence[C]], Awaitable[Sequence[R | Exception]]],
        *,
        most: int = 200,
        lanes: int = 1,
        size: Callable[[C], int] = lambda _: 1,
        yields: int = 0,
    ) -> None:
        self._run = run
        self._size = size
        self._most = most
        self._lanes = lanes
        self._busy = 0
        self._queued = 0
        self._yields = yields
        self._waiting: list[_Waiting[C, R]] = []
        self._working: set[asyncio.Task[None]] = set()

    async def __call__(self, item: C) -> R:
        """
        Return what the batch answers for *item*.
        """
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, answer, copy_context()))
        self._queued += self._size(item)
        if self._busy == 0 or (self._busy < self._lanes and self._queued >= self._most):
            self._busy += 1
            task = asyncio.create_task(self._work(), context=Context())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await answer

    async def _work(self) -> None:
        while self._has_batch():
            for _ in range(self._yields):
                await asyncio.sleep(0)
            if not self._has_batch():
                # Another lane has waited for the same ones, and took them.
                break
            batch = self._next_batch()
            for waiting, answer in zip(batch, await self._answers(batch), strict=True):
                if waiting.answer.cancelled():
                    continue
                if isinstance(answer, Exception):
                    waiting.answer.set_exception(answer)
                else:
                    waiting.answer.set_result(answer)
        self._busy -= 1

    def _has_batch(self) -> bool:
        """
        Return whether there is something to do for one more of the lanes at work.
        """
        return bool(self._waiting) and (self._busy == 1 or self._queued >= self._most)

    def _next_batch(self) -> Sequence[_Waiting[C, R]]:
        """
        Take those who came first out of the queue: as many as fit, and one at least.
        """
        room = self._most
        for number, waiting in enumerate(self._waiting):
            room -= self._size(waiting.item)
            if room < 0:
                fitting = max(number, 1)
                break
        else:
            fitting = len(self._waiting)
        batch, self._waiting = self._waiting[:fitting], self._waiting[fitting:]
        self._queued -= sum(self._size(waiting.item) for waiting in batch)
        return batch

    async def _answers(self, batch: Sequence[_Waiting[C, R]]) -> Sequence[R | Exception]:
        try:
            answers = await self._answer(batch)
            if len(answers) != len(batch):
                return [RuntimeError("a batch was not answered in full")] * len(batch)
            return answers
        except Exception as error:
            if len(batch) == 1 or is_outage(error):
                return [error] * len(batch)
        # One of them is bad: that is no reason to turn away the others.
        return [answer for waiting in batch for answer in await self._answers([waiting])]

    async def _answer(self, batch: Sequence[_Waiting[C, R]]) -> Sequence[R | Exception]:
        # A batch of one goes on in its caller's trace and deadline; a larger one has none.
        context = batch[0].context if len(batch) == 1 else Context()
        run = self._run([waiting.item for waiting in batch])
        return await asyncio.create_task(_awaited(run), context=context)


def together(
    use_case: Callable[[Sequence[C]], Awaitable[Sequence[R]]],
) -> Callable[[Sequence[Sequence[C]]], Awaitable[Sequence[Sequence[R]]]]:
    """
    Return *use_case*, which answers a batch, as a function that answers many batches in one.
    """

    async def run(batches: Sequence[Sequence[C]]) -> Sequence[Sequence[R]]:
        answers = iter(await use_case([command for batch in batches for command in batch]))
        return [[next(answers) for _ in batch] for batch in batches]

    return run


async def _awaited(answers: Awaitable[R]) -> R:
    return await answers
