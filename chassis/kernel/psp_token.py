"""A PSP's stand-in for a means of payment."""

import re
from dataclasses import dataclass

from chassis.kernel.errors import InvalidInput

MOST_CHARACTERS = 255

# Cards begin with 2 to 6, and no letter or digit touches the number. (A look-ahead takes no
# characters: numbers that overlap are all found.)
_IN_TEXT = re.compile(
    r"""
    (?<![0-9A-Za-z]) (?= (
        [2-6][0-9]{12,18}
        | [2-6][0-9]{3} (?: [ -][0-9]{4} ){2,3} (?: [ -][0-9]{1,3} )?
        | [2-6][0-9]{3} [ -] [0-9]{6} [ -] [0-9]{4,5}
    ) (?![0-9A-Za-z]) )
    """,
    re.VERBOSE,
)


class PspTokenMalformed(InvalidInput):
    pass


class CardNumberRefused(InvalidInput):
    pass


@dataclass(frozen=True, slots=True)
class PspToken:
    """
    The PSP's stand-in for a means of payment; never a card number, which nobody here may keep.
    """

    text: str

    def __post_init__(self) -> None:
        if looks_like_card_number(self.text):
            # The message must not repeat it: it would end up in a log.
            raise CardNumberRefused(
                "this looks like a card number; send the PSP's token instead", field="psp_token"
            )
        if not (
            0 < len(self.text) <= MOST_CHARACTERS
            and self.text.isascii()
            and self.text.isprintable()
        ):
            raise PspTokenMalformed(
                f"a token is 1 to {MOST_CHARACTERS} printable ASCII characters",
                field="psp_token",
            )


def looks_like_card_number(text: str) -> bool:
    """
    Return whether *text* is 13 to 19 digits, however grouped, with a right check digit (Luhn).
    """
    digits = re.sub(r"[ -]", "", text.strip())
    if not re.fullmatch(r"[0-9]{13,19}", digits):
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


def holds_card_number(text: str) -> bool:
    """
    Return whether anything in *text* looks like a card number, written in one or in groups as they
    stand on a card.
    """
    return any(looks_like_card_number(found.group(1)) for found in _IN_TEXT.finditer(text))
