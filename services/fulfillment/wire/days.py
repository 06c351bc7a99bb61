"""Days and times of day on the wire: text, as they are nobody's instant."""

import re
from datetime import date, time

from chassis.kernel.errors import InvalidInput

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}")


class DayMalformed(InvalidInput):
    pass


class TimeMalformed(InvalidInput):
    pass


def day_from_wire(text: str, field: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise DayMalformed(f'{field} must be a day, "YYYY-MM-DD", not {text[:32]!r}', field=field)


def time_from_wire(text: str, field: str) -> time:
    try:
        if _TIME.fullmatch(text):
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise TimeMalformed(f'{field} must be a time, "HH:MM", not {text[:32]!r}', field=field)
