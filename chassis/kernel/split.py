"""
Sharing amounts of minor units, so that the shares add up to the whole.

Two ways, for two questions. `split` shares all at once, among parts that are all known. `share_of`
shares as the parts turn up: what the parts so far get in all, so that each gets the difference to
those before it.
"""

from collections.abc import Sequence

from chassis.kernel.errors import InvalidInput


class NothingToShareBy(InvalidInput):
    pass


class ShareNegative(InvalidInput):
    pass


class ShareAboveWhole(InvalidInput):
    pass


def split(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """
    Return *amount* shared by *weights*, in their order: by largest remainder.

    The shares add up to the amount, each is less than one unit away from its exact value, and a
    weight of zero gets nothing. What is left after rounding down goes to the largest remainders,
    of equal ones to the earlier: so only among equal remainders does the order of weights matter.

    Raises:
        ShareNegative: The amount or a weight is below zero.
        NothingToShareBy: There is something to share, and no weight above zero.
    """
    if amount < 0 or any(weight < 0 for weight in weights):
        raise ShareNegative("neither an amount to share nor a weight is below zero")
    total = sum(weights)
    if total == 0:
        if amount:
            raise NothingToShareBy("an amount is shared by weights of which one is above zero")
        return (0,) * len(weights)
    shares = [amount * weight // total for weight in weights]
    left = amount - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: -(amount * weights[i] % total))
    for i in by_remainder[:left]:
        shares[i] += 1
    return tuple(shares)


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
