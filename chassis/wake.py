"""How a commit wakes the worker that waits for it, in the same process and without polling."""

import asyncio


class Wake:
    """
    A bell between a transaction that left work behind and the loop that does it.

    It only saves time: work whose bell was never heard, because the process died or because
    another replica left it, is found by the sweep.
    """

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, *, sweep_seconds: float) -> None:
        """
        Wait until the bell rings, or for *sweep_seconds*.
        """
        try:
            async with asyncio.timeout(sweep_seconds):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()
