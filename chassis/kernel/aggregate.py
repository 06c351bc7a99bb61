"""The base of every aggregate: a version, and a memory of what just happened."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

E = TypeVar("E")


@dataclass(kw_only=True, eq=False)
class Aggregate(Generic[E]):
    """
    A cluster of objects that changes as one and is saved as one.

    `E` is the union of the events it can record: facts that others may act on,
    named in the past tense.

    Attributes:
        version: Counts saves, so that two writers never overwrite each other; 0 if never saved.
        event_count: Counts the events it has told, so that listeners see any gap.
        trace: The W3C `traceparent` of the story it belongs to; opaque here, empty if untraced.
    """

    version: int = 0
    event_count: int = 0
    trace: str = ""
    _events: list[E] = field(default_factory=list, init=False, repr=False)

    def record(self, event: E) -> None:
        """
        Remember that *event* happened, to be told once the change is saved.
        """
        self._events.append(event)

    @property
    def untold(self) -> int:
        """
        How many events are recorded and not told yet.
        """
        return len(self._events)

    def pull_events(self) -> list[E]:
        """
        Return the recorded events and forget them.
        """
        events, self._events = self._events, []
        return events
