"""Sharing amounts so that the shares add up."""

from fractions import Fraction

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from chassis.kernel.split import NothingToShareBy, ShareAboveWhole, ShareNegative, share_of, split

AMOUNTS = st.integers(0, 10**13)
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (100, [1, 1, 1], (34, 33, 33)),
        (100, [1, 0, 2], (33, 0, 67)),
        (1, [1, 3], (0, 1)),
        (2, [5, 5, 5, 5], (1, 1, 0, 0)),
        (0, [0, 0], (0, 0)),
        (0, [], ()),
    ],
)
def test_what_rounding_leaves_goes_to_the_largest_remainders(amount, weights, shares):
    assert split(amount, weights) == shares


def is_fair(splitting, amount, weights):
    shares, total = splitting(amount, weights), sum(weights)
    exact = [Fraction(amount * weight, total) for weight in weights]
    return sum(shares) == amount and all(
        abs(share - part) < 1 for share, part in zip(shares, exact, strict=True)
    )


@given(AMOUNTS, WEIGHTS)
def test_shares_add_up_and_are_less_than_one_unit_off(amount, weights):
    assert is_fair(split, amount, weights)


@given(AMOUNTS, WEIGHTS)
def test_a_weight_of_zero_gets_nothing(amount, weights):
    shares = split(amount, weights)

    assert not any(s for s, w in zip(shares, weights, strict=True) if w == 0)


@given(AMOUNTS, WEIGHTS, st.randoms(use_true_random=False))
def test_the_order_of_the_weights_matters_only_among_equal_remainders(amount, weights, random):
    order = list(range(len(weights)))
    random.shuffle(order)
    total = sum(weights)

    def by_remainder(shares, of):
        pairs = zip(shares, of, strict=True)
        return sorted((amount * w % total, s - amount * w // total) for s, w in pairs)

    mixed = [weights[i] for i in order]
    assert by_remainder(split(amount, weights), weights) == by_remainder(
        split(amount, mixed), mixed
    )


def test_rounding_each_share_for_itself_is_found_unfair():
    def naive(amount, weights):
        return [round(amount * weight / sum(weights)) for weight in weights]

    cases = st.tuples(st.integers(0, 1_000), WEIGHTS)
    assert find(cases, lambda case: not is_fair(naive, *case), settings=settings(derandomize=True))


@pytest.mark.parametrize(("amount", "weights"), [(-1, [1]), (1, [1, -1, 1]), (0, [-1])])
def test_nothing_negative_is_shared(amount, weights):
    with pytest.raises(ShareNegative):
        split(amount, weights)


@pytest.mark.parametrize("weights", [[], [0], [0, 0]])
def test_something_is_not_shared_by_nothing(weights):
    with pytest.raises(NothingToShareBy):
        split(1, weights)


@given(AMOUNTS, WEIGHTS, st.randoms(use_true_random=False))
def test_successive_parts_add_up_in_any_order(whole, weights, random):
    random.shuffle(weights)
    total, so_far, shares = sum(weights), 0, []
    for weight in weights:
        before = share_of(whole, so_far, total)
        so_far += weight
        shares.append(share_of(whole, so_far, total) - before)

    assert sum(shares) == whole
    assert all(
        abs(share - Fraction(whole * weight, total)) < 1
        for share, weight in zip(shares, weights, strict=True)
    )


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
