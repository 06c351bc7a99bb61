"""Values that may be a moment old: kept for that long, and never told of changes."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from cachebox import LRUCache

from chassis.gather import Gathered

V = TypeVar("V")

MOST_GATHERED = 50


class Recent(Generic[V]):
    """
    Answers with what was true at some moment of the last *seconds*.

    Those who miss at the same time share one load: it takes together all keys that all of them
    miss. Age counts from when a load began, so what it brings is never older than it says.

    Args:
        load: The source; a key that it leaves out has the value *absent*.
        most: How many keys are kept.
    """

    def __init__(
        self,
        load: Callable[[Sequence[str]], Awaitable[Mapping[str, V]]],
        *,
        absent: V,
        seconds: float,
        most: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._absent = absent
        self._seconds = seconds
        self._clock = clock
        self._kept: LRUCache[str, tuple[float, V]] = LRUCache(most)
        self._gathered = Gathered[Sequence[str], Mapping[str, V]](
            self._load_together, most=MOST_GATHERED
        )

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, V]:
        """
        Return the value of each of *keys*.
        """
        oldest = self._clock() - self._seconds
        found: dict[str, V] = {}
        missing: list[str] = []
        for key in dict.fromkeys(keys):
            kept = self._kept.get(key)
            if kept is not None and kept[0] >= oldest:
                found[key] = kept[1]
            else:
                missing.append(key)
        return {**found, **await self._gathered(missing)} if missing else found

    async def _load_together(self, wanted: Sequence[Sequence[str]]) -> Sequence[Mapping[str, V]]:
        began = self._clock()
        keys = list(dict.fromkeys(key for some in wanted for key in some))
        # Whoever waited for the load before may find in it what he came for.
        oldest = began - self._seconds
        values: dict[str, V] = {}
        for key in keys:
            kept = self._kept.get(key)
            if kept is not None and kept[0] >= oldest:
                values[key] = kept[1]
        missing = [key for key in keys if key not in values]
        loaded = await self._load(missing) if missing else {}
        for key in missing:
            values[key] = loaded.get(key, self._absent)
            self._kept[key] = (began, values[key])
        return [{key: values[key] for key in some} for some in wanted]
