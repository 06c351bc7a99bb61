"""
Sharing an amount of minor units among parts that turn up one after the other.

What the parts so far get in all is rounded down, and each gets the difference to those before it:
so the shares add up to the whole, to the unit.
"""

from chassis.kernel.errors import InvalidInput


class ShareNegative(InvalidInput):
    pass


class ShareAboveWhole(InvalidInput):
    pass


def share_of(whole: int, part: int, of: int) -> int:
    """
    Return what *part* gets of a *whole* that is shared by *of* in all: rounded down.

    Parts that follow one another get the difference to the share of all before them: whatever
    their order and number, these add up to the whole, each less than one unit away from its exact
    value. Nothing has no share, also of nothing.

    Raises:
        ShareNegative: One of them is below zero.
        ShareAboveWhole: The part is more than all.
    """
    if whole < 0 or part < 0 or of < 0:
        raise ShareNegative("neither a whole to share nor a part of it is below zero")
    if part > of:
        raise ShareAboveWhole(f"a part is at most all there is, {of}, not {part}")
    return whole * part // of if of else 0
