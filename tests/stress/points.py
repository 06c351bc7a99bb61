"""
Named points of a role process at which it can be made to die or to freeze.

The harness speaks on standard input: `kill before-commit 3` means at the third pass, `pause` and
`resume` are for writers. The process says on standard output what it is about to suffer, so that
only what really happened is counted. Production code knows nothing of this: the roles call
`reach` from the seams that they are given.
"""

import asyncio
import os
import signal

# In the order in which a process passes them.
POINTS = {
    "writer": ("before-commit", "after-commit"),
    "relay": ("before-publish", "after-publish", "after-filing"),
    "consumer": ("before-handler", "after-handler", "after-commit"),
}

_SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}
_STDIN, _STDOUT = 0, 1


class Points:
    """
    The points of this process, and what is to happen there.

    Attributes:
        going: Cleared while writers are to pause.
    """

    def __init__(self) -> None:
        self.going = asyncio.Event()
        self.going.set()
        # Several faults may have the same point in mind.
        self._armed: list[tuple[str, str, int]] = []
        self._heard = b""

    def reach(self, point: str) -> None:
        """
        Suffer what the harness has in mind for *point*, if anything.
        """
        armed, self._armed = self._armed, []
        for deed, where, passes in armed:
            if where != point:
                self._armed.append((deed, where, passes))
            elif passes > 1:
                self._armed.append((deed, where, passes - 1))
            else:
                # No buffer: the next statement may be the last.
                os.write(_STDOUT, f"{deed} {point}\n".encode())
                os.kill(os.getpid(), _SIGNALS[deed])

    def listen(self) -> None:
        """
        Obey the harness from now on, and end when it is gone.
        """
        asyncio.get_running_loop().add_reader(_STDIN, self._read)

    def _read(self) -> None:
        said = os.read(_STDIN, 4096)
        if not said:
            os.kill(os.getpid(), signal.SIGKILL)
        *lines, self._heard = (self._heard + said).split(b"\n")
        for line in lines:
            self._obey(line.decode().split())

    def _obey(self, words: list[str]) -> None:
        match words:
            case ["pause"]:
                self.going.clear()
            case ["resume"]:
                self.going.set()
            case [deed, point, passes]:
                self._armed.append((deed, point, int(passes)))
