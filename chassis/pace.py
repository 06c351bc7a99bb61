"""How a busy loop lets work gather, and an idle one is quick."""

import asyncio


class Pace:
    """
    Keeps a loop from beginning more often than every so many seconds.

    What comes meanwhile gathers into one batch, and a batch costs hardly more than one of its
    entries: under load that is the difference between keeping up and falling behind. A loop that
    began longer ago does not wait at all.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    async def keep(self) -> None:
        """
        Wait until the loop may begin again.
        """
        loop = asyncio.get_running_loop()
        pause = self._next - loop.time()
        if pause > 0:
            await asyncio.sleep(pause)
        self._next = loop.time() + self._seconds
