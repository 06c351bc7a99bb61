"""Sharing amounts so that the shares add up."""

from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from chassis.kernel.share import ShareAboveWhole, ShareNegative, share_of

AMOUNTS = st.integers(0, 10**13)
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


def is_fair(share, whole, parts):
    """
    Whether what successive *parts* get adds up to the *whole*, each less than one unit off.
    """
    total = sum(parts)
    so_far = [share(whole, part, total) for part in accumulate(parts, initial=0)]
    shares = [after - before for before, after in pairwise(so_far)]
    return sum(shares) == whole and all(
        abs(got - Fraction(whole * part, total)) < 1
        for got, part in zip(shares, parts, strict=True)
    )


@given(AMOUNTS, WEIGHTS, st.randoms(use_true_random=False))
def test_successive_parts_add_up_in_any_order(whole, parts, random):
    random.shuffle(parts)

    assert is_fair(share_of, whole, parts)


def test_rounding_each_part_for_itself_is_found_unfair():
    def adds_up(case):
        whole, parts = case
        return sum(share_of(whole, part, sum(parts)) for part in parts) == whole

    cases = st.tuples(st.integers(0, 1_000), WEIGHTS)
    assert find(cases, lambda case: not adds_up(case), settings=settings(derandomize=True))


def test_nothing_has_no_share_also_of_nothing():
    assert share_of(100, 0, 7) == 0
    assert share_of(100, 0, 0) == 0


@pytest.mark.parametrize("numbers", [(-1, 1, 1), (1, -1, 1), (1, -2, -1)])
def test_no_part_and_no_whole_is_negative(numbers):
    with pytest.raises(ShareNegative):
        share_of(*numbers)


def test_a_part_is_not_more_than_all():
    with pytest.raises(ShareAboveWhole):
        share_of(100, 2, 1)
