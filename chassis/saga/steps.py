"""
The words in which a saga is told; pure.

A step takes a batch of subjects (orders, say), calls other services about them with no
transaction open, and returns for each what to change and what comes next. A step may run twice
for the same subject: its calls must carry an id by which the other side recognizes them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from chassis.backoff import backoff_seconds

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """
    Where a saga goes from here.

    Attributes:
        leased: Whether it stays with whoever has claimed it.
    """

    id: UUID
    step: str
    due_at: datetime
    waits_for: str = ""
    attempts: int = 0
    last_error: str = ""
    leased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[S]):
    """
    What a step has brought about for one subject.

    Attributes:
        change: What to do to the subject, given the time; `None` if nothing.
        next_step: Which step comes next; `None` ends the saga.
        wait: How long until the next step runs if nothing wakes it before; zero: at once.
        waits_for: Who is waited for, such as "provider"; empty if nobody.
        decides: Whether it decides what a repeat may not find again, as the next step changes the
            answers: it is written down before that runs.
    """

    change: Callable[[S, datetime], None] | None = None
    next_step: str | None
    wait: timedelta = timedelta(0)
    waits_for: str = ""
    decides: bool = False

    def move(self, id_: UUID, *, due_at: datetime) -> Move | None:
        """
        Return where the saga of *id_* goes, to run there at *due_at*; `None` if it ends.
        """
        if self.next_step is None:
            return None
        return Move(
            id=id_,
            step=self.next_step,
            due_at=due_at,
            waits_for=self.waits_for,
            leased=not self.wait,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """
    The step could not find out: it runs again later, with growing pauses.

    Attributes:
        because: What is not known, for whoever looks at the saga meanwhile.
        outage: Whether something was away, which may be back at any moment.
    """

    because: str
    outage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """
    How long a step that failed pauses: twice as long each time, and by chance, so that those who
    failed together do not come back together. It never gives up; the subject's own deadline does.

    Attributes:
        first: The pause after the first failure, at most.
        longest: What the pauses grow to.
        away: What they grow to if something was away, as it may be back at any moment.
    """

    first: timedelta = timedelta(seconds=0.1)
    longest: timedelta = timedelta(seconds=10)
    away: timedelta = timedelta(seconds=2)

    def pause(self, attempts: int, *, outage: bool) -> timedelta:
        """
        Return how long to pause after the attempt number *attempts* (1, 2, …) failed.
        """
        most = self.away if outage else self.longest
        seconds = backoff_seconds(
            attempts, first=self.first.total_seconds(), most=most.total_seconds()
        )
        return timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[S]):
    """
    One step of a saga.

    Attributes:
        name: As it stands in the database and in traces: never renamed.
        act: Does it for a batch, and answers for each subject in order.
        within: Its deadline: how long the calls of one batch may take, all together. What has no
            answer by then is unknown, and asked again. Shorter than the lease, so that nobody
            else runs the step at the same time.
        retry: When it runs again after it failed.
        undone_by: Which step takes back what this one gets, also if its answer was lost.
        lasting: Why nothing has to be taken back; for steps without `undone_by`.
        skip: Says what follows if somebody saw to it elsewhere; `None`, or an answer of `None`:
            nobody but the other service can say so.
    """

    name: str
    act: Callable[[Sequence[S]], Awaitable[Sequence[Outcome[S] | TryAgain]]]
    within: timedelta = timedelta(seconds=10)
    retry: RetryPolicy = RetryPolicy()
    undone_by: str = ""
    lasting: str = ""
    skip: Callable[[S, datetime], Outcome[S] | None] | None = None
