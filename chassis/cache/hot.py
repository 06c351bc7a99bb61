"""Which keys are asked for most, in little memory."""

WATCHED = 64
# Of all that is asked for, how much one key must be to count as hot.
HOT_PART = 0.02
WINDOW = 2_000


class HotKeys:
    """
    Counts by the space-saving algorithm: a new key takes the place of the least counted one, and
    its count. Whatever is asked for more often than that is in it for certain.

    Every WINDOW notes all counts are halved: what was hot an hour ago cools down.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._noted = 0
        self.hot: frozenset[str] = frozenset()

    def note(self, key: str) -> None:
        """
        Count that *key* was asked for.
        """
        counts = self._counts
        if key in counts:
            counts[key] += 1
        elif len(counts) < WATCHED:
            counts[key] = 1
        else:
            least = min(counts, key=counts.__getitem__)
            counts[key] = counts.pop(least) + 1
        self._noted += 1
        if self._noted >= WINDOW:
            self._close_window()

    def _close_window(self) -> None:
        # Above the floor that every newcomer inherits, or a flood of strangers would be hot.
        floor = min(self._counts.values()) if len(self._counts) == WATCHED else 0
        enough = HOT_PART * self._noted
        self.hot = frozenset(key for key, n in self._counts.items() if n - floor >= enough)
        self._counts = {key: n // 2 for key, n in self._counts.items() if n > 1}
        self._noted //= 2
