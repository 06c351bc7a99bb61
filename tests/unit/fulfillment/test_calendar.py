from datetime import UTC, date, datetime, time

import pytest

from services.fulfillment.domain.calendar import WorkingHours, local_day

LONDON = WorkingHours(
    time_zone="Europe/London", cutoff=time(16), holidays=frozenset({date(2026, 12, 25)})
)
FRIDAY, MONDAY, TUESDAY = date(2026, 7, 3), date(2026, 7, 6), date(2026, 7, 7)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        # 15:59 and 16:00 of British summer time.
        (at(FRIDAY, 14, 59), FRIDAY),
        (at(FRIDAY, 15), MONDAY),
        (at(date(2026, 7, 4), 9), MONDAY),
        # It is Monday there already.
        (at(date(2026, 7, 5), 23, 30), MONDAY),
        # In winter the clock is UTC, and Christmas is a Friday.
        (at(date(2026, 12, 24), 15, 59), date(2026, 12, 24)),
        (at(date(2026, 12, 24), 16), date(2026, 12, 28)),
        (at(date(2026, 12, 25), 9), date(2026, 12, 28)),
    ],
)
def test_accepted_work_fills_today_before_the_cutoff_else_the_next_working_day(now, day):
    assert LONDON.day_filled_at(now) == day


@pytest.mark.parametrize(("count", "day"), [(0, FRIDAY), (1, MONDAY), (2, TUESDAY)])
def test_only_working_days_count(count, day):
    assert LONDON.working_days_after(FRIDAY, count) == day


def test_a_day_begins_at_midnight_of_its_own_clock():
    assert local_day(at(FRIDAY, 23), "Europe/London") == date(2026, 7, 4)
    assert local_day(at(FRIDAY, 3), "America/New_York") == date(2026, 7, 2)
