"""Text from outside, within bounds."""

import re
from typing import NewType

from chassis.kernel.card_numbers import refuse_card_number
from chassis.kernel.errors import InvalidInput

Sku = NewType("Sku", str)

_SKU = re.compile(r"[A-Z0-9\-_./]{1,64}")


class TextMalformed(InvalidInput):
    pass


class SkuMalformed(InvalidInput):
    pass


def check_text(text: str, field: str, *, least: int = 0, most: int) -> str:
    """
    Return *text*.

    Raises:
        TextMalformed: It is too short or too long, or holds the character NUL, which no database
            text can; names *field*.
    """
    if not least <= len(text) <= most or "\0" in text:
        raise TextMalformed(
            f"{field} must be {least:,} to {most:,} characters, without NUL", field=field
        )
    return text


def check_words(text: str, field: str, *, least: int = 0, most: int) -> str:
    """
    Return *text* that a person wrote for other people, of whatever came to mind.

    Raises:
        TextMalformed: As in `check_text`.
        CardNumberRefused: A card number stands in it, which nobody here may keep; names *field*.
    """
    check_text(text, field, least=least, most=most)
    refuse_card_number(text, field)
    return text


def parse_sku(text: str, field: str) -> Sku:
    """
    Return *text* as a SKU.

    Raises:
        SkuMalformed: It is none; names *field*.
    """
    if not _SKU.fullmatch(text):
        raise SkuMalformed(
            f'{field} must be 1 to 64 of A-Z, 0-9 and "-_./", not {text[:64]!r}', field=field
        )
    return Sku(text)
