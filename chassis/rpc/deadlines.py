"""
The deadline as a funnel: what is left of the caller's time, less a margin for the way back, is all
that the next call gets. gRPC for Python does not pass deadlines on by itself (grpc#18358).
"""

import time
from contextvars import ContextVar, Token

# Kept back at every hop for the answer to travel.
MARGIN_SECONDS = 0.02

# What a call gets when nobody upstream set a deadline.
DEFAULT_SECONDS = 5.0

# The longest a unary call may take here, whatever its caller would wait.
MOST_SECONDS = 30.0

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def begin(seconds: float | None) -> Token[float | None]:
    """
    Start the clock of a call that has *seconds* left, or the default if its caller set none.
    """
    budget = DEFAULT_SECONDS if seconds is None else seconds
    return _deadline.set(time.monotonic() + min(budget, MOST_SECONDS))


def end(token: Token[float | None]) -> None:
    _deadline.reset(token)


def budget(wanted: float | None = None) -> float:
    """
    Return how many seconds a call from here may take: at most *wanted*, or the default, and no
    more than is left upstream. Zero or less means: too late to call.
    """
    seconds = DEFAULT_SECONDS if wanted is None else wanted
    deadline = _deadline.get()
    if deadline is None:
        return seconds
    return min(seconds, deadline - time.monotonic() - MARGIN_SECONDS)
