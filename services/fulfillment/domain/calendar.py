"""When a provider works: its days, by its own clock."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """
    Attributes:
        time_zone: IANA name, such as "Europe/London".
        weekdays: 1 Monday … 7 Sunday; at least one.
        cutoff: What is accepted before this local time leaves the same day.
        holidays: Days without work.
    """

    time_zone: str = "UTC"
    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    cutoff: time = time(16)
    holidays: frozenset[date] = frozenset()

    def has_work_on(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays and day not in self.holidays

    def day_filled_at(self, now: datetime) -> date:
        """
        Return the day that is filled by work accepted at *now*: today before the cutoff, else the
        next working day.
        """
        local = now.astimezone(ZoneInfo(self.time_zone))
        today = local.date()
        if self.has_work_on(today) and local.time() < self.cutoff:
            return today
        return self.working_days_after(today, 1)

    def working_days_after(self, day: date, count: int) -> date:
        """
        Return the working day that comes *count* working days after *day*.
        """
        while count:
            day += _DAY
            count -= self.has_work_on(day)
        return day


# Of a provider that has not said when it works.
USUAL_HOURS = WorkingHours()


def local_day(moment: datetime, time_zone: str) -> date:
    """
    Return the day of *moment* by the clock of *time_zone*.
    """
    return moment.astimezone(ZoneInfo(time_zone)).date()
