"""A PSP's stand-in for a means of payment."""

import re
from dataclasses import dataclass

from chassis.kernel.card_numbers import CardNumberRefused, has_check_digit, holds_card_number
from chassis.kernel.errors import InvalidInput

MOST_CHARACTERS = 255


class PspTokenMalformed(InvalidInput):
    pass


@dataclass(frozen=True, slots=True)
class PspToken:
    """
    The PSP's stand-in for a means of payment; never a card number, which nobody here may keep.
    """

    text: str

    def __post_init__(self) -> None:
        if looks_like_card_number(self.text) or holds_card_number(self.text):
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
    return has_check_digit(digits)
