from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payment.adapters.stripe.keys import MOST_KEYS, is_quiet, keys_of, may_be_forgotten
from services.payment.domain.values import TransactionId

KEY = TransactionId(UUID(int=1))
HOUR = timedelta(hours=1)
ages = st.timedeltas(timedelta(0), timedelta(days=10))


def first_of(age):
    return next(keys_of(KEY, age))


def test_on_the_first_day_the_key_is_the_transactions_id():
    assert first_of(timedelta(0)) == first_of(22 * HOUR) == str(KEY)


def test_a_clock_that_is_behind_changes_nothing():
    assert first_of(-HOUR) == str(KEY)
    assert not is_quiet(-HOUR)


def test_spent_keys_have_successors_that_everybody_takes_in_the_same_order():
    row = list(keys_of(KEY, HOUR))

    assert row[:3] == [str(KEY), f"{KEY}-2", f"{KEY}-3"]
    assert len(row) == len(set(row)) == MOST_KEYS


@given(ages, ages)
def test_two_keys_are_never_used_within_an_hour_of_each_other_nor_one_for_a_day(one, other):
    """
    A key is forgotten after a day: so it must not be used for longer. A request takes seconds: who
    uses the next key an hour later meets none that is under way.
    """
    if is_quiet(one) or is_quiet(other):
        return
    if first_of(one) == first_of(other):
        assert abs(one - other) < 23 * HOUR
    else:
        assert abs(one - other) >= HOUR


@pytest.mark.parametrize(
    ("age", "forgotten"), [(timedelta(0), False), (22 * HOUR, False), (23 * HOUR, True)]
)
def test_what_is_old_is_looked_for_first(age, forgotten):
    assert may_be_forgotten(age) is forgotten
