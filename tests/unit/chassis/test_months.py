from datetime import date

import pytest

from chassis.storage.months import months_before


@pytest.mark.parametrize(
    ("day", "months", "first"),
    [
        (date(2026, 11, 21), 0, date(2026, 11, 1)),
        (date(2026, 11, 30), 1, date(2026, 10, 1)),
        (date(2026, 1, 31), 1, date(2025, 12, 1)),
        (date(2026, 3, 1), 15, date(2024, 12, 1)),
        (date(2026, 12, 31), -1, date(2027, 1, 1)),
    ],
)
def test_months_are_counted_across_years(day, months, first):
    assert months_before(day, months) == first
