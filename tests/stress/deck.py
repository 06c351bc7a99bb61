"""Faults, dealt like cards: every kind has its turn, in an order that the seed decides."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from tests.stress.faults import FAULTS, Scene
from tests.stress.observer import AWAY

log = logging.getLogger(__name__)

AT_ONCE = 3


class Deck:
    """
    The faults of a run.

    Attributes:
        done: How often each happened.
        at_work: Those that have begun and are not over.
    """

    def __init__(self, faults: tuple[str, ...], scene: Scene) -> None:
        self.done: Counter[str] = Counter(dict.fromkeys(faults, 0))
        self.at_work: Counter[str] = Counter()
        # Twice at once, it could be taken for one.
        self._turns = {name: asyncio.Lock() for name in faults}
        self._faults = faults
        self._scene = scene
        self._hands = asyncio.Semaphore(AT_ONCE)

    async def deal(self, enough: Callable[[], bool]) -> None:
        """
        Deal the whole deck, and again until it is *enough*; return when all faults are over.
        """
        async with asyncio.TaskGroup() as tasks:
            await self._deal_round(tasks, lambda: False)
            while not enough():
                await self._deal_round(tasks, enough)
                await asyncio.sleep(0.1)

    async def _deal_round(self, tasks: asyncio.TaskGroup, enough: Callable[[], bool]) -> None:
        dice = self._scene.dice
        for name in dice.sample(self._faults, len(self._faults)):
            await self._hands.acquire()
            if enough():
                self._hands.release()
                return
            tasks.create_task(self._play(name))
            await asyncio.sleep(dice.uniform(0.1, 0.5))

    async def _play(self, name: str) -> None:
        self.at_work[name] += 1
        try:
            while True:
                try:
                    async with self._turns[name]:
                        await FAULTS[name](self._scene)
                except AWAY as error:
                    # Another fault was in the way of this one.
                    log.info("%s: %r", name, error)
                    await asyncio.sleep(0.3)
                else:
                    self.done[name] += 1
                    return
        finally:
            self.at_work[name] -= 1
            self._hands.release()
