"""How whoever met somebody faster gets another turn."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from chassis.kernel.errors import Conflict, DomainError

C = TypeVar("C")
R = TypeVar("R")

# Nobody meets somebody faster that often, unless a cart is changed without a pause.
MOST_ROUNDS = 4


async def in_rounds(
    commands: Sequence[C], attempt: Callable[[Sequence[C]], Awaitable[Sequence[R | DomainError]]]
) -> Sequence[R | DomainError]:
    """
    Answer *commands* by *attempt*, and those that meet a conflict again; after the last round the
    conflict is the answer.

    Args:
        attempt: Changes nothing for a command that it answers with a conflict, and nothing at all
            if it raises one.
    """
    answers: dict[int, R | DomainError] = {}
    left: Sequence[int] = range(len(commands))
    for _ in range(MOST_ROUNDS):
        try:
            turn = await attempt([commands[number] for number in left])
        except Conflict as conflict:
            turn = [conflict] * len(left)
        answers |= dict(zip(left, turn, strict=True))
        left = [number for number in left if isinstance(answers[number], Conflict)]
        if not left:
            break
    return [answers[number] for number in range(len(commands))]
