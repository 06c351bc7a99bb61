"""What verbs on returns have in common: each is answered on its own, all in one transaction."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.returns import refusals
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import ReturnId


class NamesReturn(Protocol):
    """
    A command about one return.
    """

    @property
    def return_id(self) -> ReturnId: ...


C = TypeVar("C", bound=NamesReturn)


async def change_returns(
    commands: Sequence[C], change: Callable[[Return, C], None], *, uow: UnitOfWork
) -> Sequence[Return | DomainError]:
    """
    Lock the return of each command, let *change* do what it asks, and answer with the return or
    with the refusal.
    """
    async with uow() as tx:
        found = await tx.returns.with_ids({command.return_id for command in commands})
        known = {some.id: some for some in found}
        answers = [_answer(known.get(c.return_id), c, change) for c in commands]
        await tx.returns.save(found)
    return answers


def return_not_found(return_id: ReturnId) -> refusals.ReturnNotFound:
    return refusals.ReturnNotFound(f"there is no return {return_id}")


def _answer(
    some: Return | None, command: C, change: Callable[[Return, C], None]
) -> Return | DomainError:
    if some is None:
        return return_not_found(command.return_id)
    try:
        change(some, command)
    except DomainError as refusal:
        return refusal
    return some
