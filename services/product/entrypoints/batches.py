"""How a batch request is answered: each entry on its own, in the order asked."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from chassis.kernel.errors import DomainError, InvalidInput
from services.product.wire.fields import check_length

W = TypeVar("W")
C = TypeVar("C")
R = TypeVar("R")

MOST_ENTRIES = 500


async def answer_each(
    entries: Sequence[W],
    field: str,
    from_wire: Callable[[W, str], C],
    use_case: Callable[[Sequence[C]], Awaitable[Sequence[R | DomainError]]],
) -> Sequence[R | DomainError]:
    """
    Return what *use_case* answers for *entries*; for a malformed entry, which it never sees, the
    refusal that says where.

    Raises:
        BatchOutOfRange: There are no entries, or too many.
    """
    check_length(entries, field, MOST_ENTRIES)
    commands: list[C] = []
    answers: list[R | DomainError | None] = []
    for number, entry in enumerate(entries):
        try:
            commands.append(from_wire(entry, f"{field}[{number}]"))
            answers.append(None)
        except InvalidInput as refusal:
            answers.append(refusal)
    given = iter(await use_case(commands) if commands else ())
    return [next(given) if answer is None else answer for answer in answers]
