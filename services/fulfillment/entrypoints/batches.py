"""One answer an entry, in the order asked."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from chassis.gather import Gathered
from chassis.kernel.errors import DomainError

C = TypeVar("C")
A = TypeVar("A")


async def answer_each(
    entries: Sequence[C | DomainError],
    use_case: Callable[[Sequence[C]], Awaitable[Sequence[A | DomainError]]],
) -> list[A | DomainError]:
    """
    Return what *use_case* answers to each of *entries*; an entry that is a refusal already stays
    one, and does not reach it.
    """
    commands = [entry for entry in entries if not isinstance(entry, DomainError)]
    answers = iter(await use_case(commands) if commands else ())
    return [entry if isinstance(entry, DomainError) else next(answers) for entry in entries]


class Shared(Generic[C, A]):
    """
    A use case over batches, of which lone entries share one transaction: a provider answers offer
    by offer, but so do hundreds at a time. What came as a batch is big enough to stay one.
    """

    def __init__(
        self, use_case: Callable[[Sequence[C]], Awaitable[Sequence[A | DomainError]]]
    ) -> None:
        self._use_case = use_case
        self._gathered: Gathered[C, A] = Gathered(use_case)

    async def __call__(self, commands: Sequence[C]) -> Sequence[A | DomainError]:
        if len(commands) > 1:
            return await self._use_case(commands)
        try:
            return [await self._gathered(commands[0])]
        except DomainError as refusal:
            return [refusal]
