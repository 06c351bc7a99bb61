"""
Under which idempotency key something is asked, so that it is never done twice.

Stripe keeps the first answer to a key and gives it again for at least 24 hours; then it forgets.
So what is still open after a day is looked for, and only if it has not happened, asked under a key
of the new day. In the last hour of a day nothing is asked, only looked for: whoever begins the
new day's key finds all that was asked before either done or never to be done, however unevenly
clocks and networks run.

An answer of 5xx is kept like any other. Once it comes from Stripe's memory the key is spent:
nothing more can happen under it. If looking shows that nothing has, the next key of the day's row
is taken, by everybody the same.
"""

from collections.abc import Iterator
from datetime import timedelta

DAY = timedelta(hours=24)
QUIET = timedelta(hours=1)

# How many keys of a row are tried in one go.
MOST_KEYS = 10


def keys_of(key: object, age: timedelta) -> Iterator[str]:
    """
    Yield the row of keys under which what was first asked *age* ago is asked now.
    """
    day = max(age, timedelta()) // DAY
    first = f"{key}-day{day}" if day else str(key)
    yield first
    for number in range(2, MOST_KEYS + 1):
        yield f"{first}-{number}"


def may_be_forgotten(age: timedelta) -> bool:
    """
    Return whether Stripe may no longer know a key under which this was asked.
    """
    return age >= DAY - QUIET


def is_quiet(age: timedelta) -> bool:
    """
    Return whether the day of what was first asked *age* ago is about to end.
    """
    return max(age, timedelta()) % DAY >= DAY - QUIET
