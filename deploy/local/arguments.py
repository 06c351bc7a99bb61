"""How the words of a command are read; who says something else is told what is meant."""

from argparse import ArgumentTypeError
from collections.abc import Callable

MOST_DIGITS = 18


def at_least(least: int, *, most: int | None = None) -> Callable[[str], int]:
    """
    Return how to read a whole number that is not less than *least*, nor more than *most*.
    """
    meant = f"from {least:,} on" if most is None else f"from {least:,} to {most:,}"

    def read(words: str) -> int:
        # Nobody means a number of more digits, and no message carries it.
        number = int(words) if words.isdecimal() and len(words) <= MOST_DIGITS else -1
        if number < least or (most is not None and number > most):
            raise ArgumentTypeError(f"{words} is not a whole number {meant}")
        return number

    return read


def speed_from(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0
    if not speed > 0:
        raise ArgumentTypeError(f"--speed is max, or a number above 0 such as 1000, not {text}")
    return speed


def share_from(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"{text} is not a share from 0 to 1")
    return share
