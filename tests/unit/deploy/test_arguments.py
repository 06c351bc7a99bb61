from argparse import ArgumentTypeError

import pytest

from deploy.local.arguments import at_least, share_from, speed_from


@pytest.mark.parametrize("words", ["0", "-5", "1.5", "many", "", "501", "9" * 30])
def test_a_number_out_of_bounds_is_refused_with_what_is_meant(words):
    with pytest.raises(ArgumentTypeError, match="is not a whole number from 1 to 500"):
        at_least(1, most=500)(words)


def test_bounds_belong_to_what_is_meant():
    assert [at_least(0)("0"), at_least(1, most=500)("500")] == [0, 500]


@pytest.mark.parametrize("words", ["-0.1", "3", "nan", "half"])
def test_a_share_is_no_more_than_the_whole(words):
    with pytest.raises(ArgumentTypeError, match="is not a share from 0 to 1"):
        share_from(words)


@pytest.mark.parametrize("words", ["0", "-3", "nan", "fast"])
def test_a_speed_is_max_or_a_number_above_0(words):
    with pytest.raises(ArgumentTypeError, match="--speed is max, or a number above 0"):
        speed_from(words)
