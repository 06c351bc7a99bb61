"""The level of a cache that lives in the process."""

from cachebox import LRUCache

from chassis.cache.entry import Entry

# What an entry costs beside its key and its value: measured on CPython 3.11, rounded up.
OVERHEAD_BYTES = 400

# Of the budget, how much is for what was asked for more than once.
PROVEN_PART = 0.8

# For how long, and of how many keys, it is remembered that they have changed. A load takes less.
FLOOR_SECONDS = 30.0
MOST_FLOORS = 20_000


class LocalLevel:
    """
    Keeps entries within a budget of bytes; those that were asked for once make room first.

    Two LRU lists: a newcomer is on trial, and moves to the proven ones when it is asked for again.
    So somebody who reads everything once, or makes up keys, pushes out other newcomers only.

    A change leaves a floor: for a while, nothing older than it is taken in, wherever it comes
    from. A loader that read before the commit, or a shared server that has not heard of it yet,
    cannot bring the old value back.

    Args:
        budget_bytes: Keys, values and what surrounds them. An entry beyond a tenth of it is not
            kept.
    """

    def __init__(self, budget_bytes: int) -> None:
        proven = int(budget_bytes * PROVEN_PART)
        self._most = budget_bytes // 10
        self._proven: LRUCache[str, Entry] = LRUCache(max(proven, 1), getsizeof=_size)
        self._trial: LRUCache[str, Entry] = LRUCache(max(budget_bytes - proven, 1), getsizeof=_size)
        self._floors: LRUCache[str, tuple[int, float]] = LRUCache(MOST_FLOORS)
        self.evictions = 0

    def find(self, key: str) -> Entry | None:
        """
        Return what is kept of *key*, expired or not.
        """
        entry = self._proven.get(key)
        if entry is None and (entry := self._trial.pop(key, None)) is not None:
            self._insert(self._proven, entry)
        return entry

    def keep(self, entry: Entry, *, now: float) -> bool:
        """
        Take *entry* in, unless something newer is known; return whether it is as new as anything
        known.
        """
        known = self._proven.get(entry.key)
        place = self._trial if known is None else self._proven
        known = known or self._trial.get(entry.key)
        if entry.version < self.floor(entry.key, now=now):
            return False
        if known is not None and known.version > entry.version and known.expires_at > now:
            return False
        place.pop(entry.key, None)
        if _size(entry.key, entry) <= self._most:
            self._insert(place, entry)
        return True

    def drop(self, key: str, version: int, *, now: float) -> None:
        """
        Forget what is older than *version*, and take nothing older in for a while.
        """
        version = max(version, self.floor(key, now=now))
        self._floors[key] = (version, now + FLOOR_SECONDS)
        for place in (self._proven, self._trial):
            entry = place.peek(key)
            if entry is not None and entry.version < version:
                place.pop(key, None)

    def clear(self) -> None:
        """
        Forget all entries; floors stay.
        """
        self._proven.clear()
        self._trial.clear()

    def floor(self, key: str, *, now: float) -> int:
        """
        Return the lowest version of *key* that may still be used.
        """
        version, until = self._floors.peek(key) or (0, 0.0)
        return version if until > now else 0

    @property
    def used_bytes(self) -> int:
        return self._proven.current_size() + self._trial.current_size()

    def _insert(self, place: LRUCache[str, Entry], entry: Entry) -> None:
        before = len(place)
        place[entry.key] = entry
        self.evictions += before + 1 - len(place)


def _size(key: str, entry: Entry) -> int:
    return len(key) + len(entry.value or b"") + OVERHEAD_BYTES
