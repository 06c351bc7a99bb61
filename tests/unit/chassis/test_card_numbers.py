"""Card numbers are told from other numbers. (All of these are issuers' published test numbers.)"""

import random

import pytest

from chassis.kernel.card_numbers import CardNumberRefused, holds_card_number
from chassis.kernel.text import check_words

CARDS = (
    "4242424242424242",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "3566002020360505",
    "6200000000000005",
)


def grouped(card, separator):
    """
    Return *card* as people write it.
    """
    sizes = (4, 6, 5) if len(card) == 15 else (4, 4, 4, 4)
    digits = iter(card)
    return separator.join("".join(next(digits) for _ in range(size)) for size in sizes)


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    "around", ["{}", "my card is {}, thanks", "5 of 12 {}", "card:{}.", "({})"]
)
def test_a_card_number_is_seen_however_it_is_written(card, around):
    for written in (card, grouped(card, " "), grouped(card, "-")):
        assert holds_card_number(around.format(written))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242424242424241",  # the check digit is wrong
        "9999999999999995",  # nobody issues it
        "4222222222222",  # no Visa has 13 digits any more, and GTINs have
        "42424242424242424242",  # too long
        "SKU4242424242424242",
        "4242424242424242nd",
        "0.4242424242424242",
        "54242424-2424-4242-8424-242424242424",
        "1763756772123456",  # microseconds
        "+44 20 7946 0000, after 18:00",
    ],
)
def test_other_numbers_are_let_through(text):
    assert not holds_card_number(text)


def test_of_random_digits_few_look_like_a_card():
    dice = random.Random(6)
    numbers = [f"{dice.randrange(10**15, 10**16)}" for _ in range(10_000)]

    assert sum(map(holds_card_number, numbers)) < 300


def test_words_with_a_card_number_are_refused_and_not_repeated():
    with pytest.raises(CardNumberRefused) as refusal:
        check_words("please use 4242 4242 4242 4242", "note", most=200)

    assert refusal.value.field == "note"
    assert "4242" not in str(refusal.value)
    assert check_words("please ring twice", "note", most=200) == "please ring twice"
