"""What can go wrong while a step runs."""

from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    OK = "ok"
    # Another context says no: for good, or for now with an outcome that nobody knows.
    REFUSED = "refused"
    UNKNOWN = "unknown"
    # No answer in time, though the call may have done all it should.
    TIMEOUT_BEFORE = "timeout before"
    TIMEOUT_AFTER = "timeout after"
    # The process dies before the call arrives, or after it has.
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    # The call arrives twice at once, and once more much later.
    TWICE = "twice"
    # The process stands still for longer than its lease, with the answer in hand.
    FREEZE = "freeze"
    # Our own database does not commit; or it does, and nobody hears of it.
    COMMIT_LOST = "commit lost"
    COMMIT_UNHEARD = "commit unheard"


@dataclass(slots=True)
class StepRun:
    """
    One run of one step for a batch, and the fault that meets it.

    Attributes:
        at_call: Which of its calls the fault meets; the first if it makes fewer.
    """

    step: str
    fault: Fault
    at_call: int
    calls: int = 0
    met: bool = False
    began_at: float = 0.0
    ended_at: float | None = None


# (step, fault) → how often it was met.
Coverage = dict[tuple[str, Fault], int]


@dataclass(slots=True)
class Chance:
    """
    How much may still go wrong in one schedule, so that each comes to an end.

    Attributes:
        sure: What goes wrong for certain, if it can: so that few schedules meet every fault at
            every step.
    """

    left: int
    sure: tuple[str, Fault] | None = None
    coverage: Coverage = field(default_factory=dict)

    def met(self, step: str, fault: Fault) -> None:
        if self.sure == (step, fault):
            self.sure = None
        self.coverage[step, fault] = self.coverage.get((step, fault), 0) + 1
