"""Use case: a customer gives a return up."""

from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.change_returns import (
    change_returns,
    return_not_found,
)
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import AccountId, ReturnId


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReturn:
    return_id: ReturnId
    account_id: AccountId


async def cancel_return(command: CancelReturn, *, uow: UnitOfWork, clock: Clock) -> Return:
    """
    Give a return up of which nothing has come back; its units can be returned again.

    Safe to repeat: what was given up is answered again.

    Raises:
        ReturnNotFound: There is none such of this account.
        ReturnNotInState: Something has come back, or it is over.
    """

    def cancel(some: Return, command: CancelReturn) -> None:
        if some.account_id != command.account_id:
            raise return_not_found(some.id)
        some.cancel(clock())

    (answer,) = await change_returns([command], cancel, uow=uow)
    if isinstance(answer, DomainError):
        raise answer
    return answer
