"""What a run is to do, and what each of its processes is told."""

import os
from dataclasses import dataclass
from uuid import UUID

import msgspec

CONTEXT = "order"

# A frozen process keeps its locks for so long; a freeze lasts longer.
IDLE_SECONDS = 3.0

# In the environment of every role process.
_VARIABLE = "STRESS_PART"

# Things that are there from the start; the first few are hot.
THINGS = tuple(UUID(int=0x57617962 << 96 | 7 << 76 | 2 << 62 | number) for number in range(400))
HOT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    One run.

    Attributes:
        seed: Decides the order of faults, their victims, and what writers do.
        seconds: Writers write for at least so long, and until every fault had its turn.
        events: If not 0: until so many events are committed, and every fault had its turn.
        faults: The deck: which faults there are, by name. It is dealt again and again.
        consumers: Processes in each group.
        groups: Listeners; each has its own database.
        mistake: The planted mistake; empty for none.
        patience_seconds: What is missing after so long without any change is lost.
    """

    seed: int
    seconds: float = 60
    events: int = 0
    faults: tuple[str, ...] = ()
    writers: int = 2
    relays: int = 3
    consumers: int = 2
    groups: int = 2
    mistake: str = ""
    patience_seconds: float = 20

    @property
    def group_names(self) -> tuple[str, ...]:
        return tuple(f"group{number}" for number in range(1, self.groups + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    What one role process is told.

    Attributes:
        role: The module that plays it: `writer`, `relay` or `consumer`.
        group: The listener that a consumer belongs to.
    """

    role: str
    name: str
    database_url: str
    nats_url: str
    seed: int
    mistake: str = ""
    group: str = ""

    def environment(self) -> dict[str, str]:
        return {_VARIABLE: msgspec.json.encode(self).decode()}


def my_part() -> Part:
    """
    Return what this process was told.
    """
    return msgspec.json.decode(os.environ[_VARIABLE], type=Part)
