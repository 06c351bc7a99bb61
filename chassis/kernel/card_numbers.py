"""Card numbers, which nobody here may keep: how to tell them in what people write."""

import re
from collections.abc import Iterator

from chassis.kernel.errors import InvalidInput

# A UUID may look like one, by chance; no card number looks like a UUID.
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# Digits, alone or in groups; neither within a word nor the decimals of a number.
_DIGITS = re.compile(r"(?<![0-9A-Za-z])(?<![0-9]\.)[0-9]+(?:[ -][0-9]+)*(?![0-9A-Za-z])")
# By issuer, with the lengths in use. (Visa's 13 digits are not, and GTINs have 13.)
_ISSUED = re.compile(
    r"""
    4[0-9]{15} | 4[0-9]{18}
    | (?: 5[1-5][0-9]{2} | 222[1-9] | 22[3-9][0-9] | 2[3-6][0-9]{2} | 27[01][0-9] | 2720 )[0-9]{12}
    | 3[47][0-9]{13}
    | (?: 6011 | 64[4-9][0-9] | 65[0-9]{2} | 62[0-9]{2} | 35[2-8][0-9] )[0-9]{12,15}
    """,
    re.VERBOSE,
)
_FEWEST, _MOST = 15, 19


class CardNumberRefused(InvalidInput):
    pass


def refuse_card_number(text: str, field: str) -> None:
    """
    Raises:
        CardNumberRefused: A card number stands in *text*; names *field*.
    """
    if holds_card_number(text):
        # The message must not repeat it: it would end up in a log.
        raise CardNumberRefused(f"{field} holds what looks like a card number", field=field)


def holds_card_number(text: str) -> bool:
    """
    Return whether a card number stands in *text*, its digits in groups or not: of an issuer there
    is, as long as its numbers are, with a right check digit.
    """
    if len(text) < _FEWEST:
        return False  # mostly
    return any(
        _ISSUED.fullmatch(digits) and has_check_digit(digits)
        for match in _DIGITS.finditer(_UUID.sub("x", text))
        for digits in _joined(re.split("[ -]", match.group()))
    )


def has_check_digit(digits: str) -> bool:
    """
    Return whether the last of *digits* is their check digit (Luhn).
    """
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


def _joined(groups: list[str]) -> Iterator[str]:
    """
    Yield the digits of all neighbouring groups that are as many as a card's may be.
    """
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > _MOST:
                break
            if len(digits) >= _FEWEST:
                yield digits
