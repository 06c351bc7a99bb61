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

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[S]):
    """
    What a step has brought about for one subject.

    Attributes:
        change: What to do to the subject, given the time; `None` if nothing.
        next_step: Which step comes next; `None` ends the saga.
        wait: How long until the next step runs if nothing wakes it before; zero: at once.
        waits_for: Who is waited for, such as "provider"; empty if nobody.
    """

    change: Callable[[S, datetime], None] | None = None
    next_step: str | None
    wait: timedelta = timedelta(0)
    waits_for: str = ""


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
class Step(Generic[S]):
    """
    One step of a saga.

    Attributes:
        name: As it stands in the database and in traces: never renamed.
        act: Does it for a batch, and answers for each subject in order.
    """

    name: str
    act: Callable[[Sequence[S]], Awaitable[Sequence[Outcome[S] | TryAgain]]]
