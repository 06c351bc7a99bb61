"""When to stop asking a server that does not answer."""

FAILURES = 3
PAUSE_SECONDS = 0.25
MOST_PAUSE_SECONDS = 4.0


class Breaker:
    """
    Opens after some failures in a row, and closes when a probe succeeds. The probe is somebody
    else's job: no caller pays for finding out.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._pause = PAUSE_SECONDS
        self._probe_at = 0.0
        self.is_open = False

    def succeeded(self) -> None:
        self._failures, self._pause, self.is_open = 0, PAUSE_SECONDS, False

    def failed(self, now: float) -> None:
        self._failures += 1
        if self.is_open:
            self._pause = min(2 * self._pause, MOST_PAUSE_SECONDS)
        if self._failures >= FAILURES:
            self.is_open = True
            self._probe_at = now + self._pause

    def wants_probe(self, now: float) -> bool:
        """
        Return whether it is time to see if the server answers again.
        """
        return self.is_open and now >= self._probe_at
