"""Use case: the shop turns returns and claims down."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.change_returns import change_returns
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import ReturnId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineReturn:
    """
    Attributes:
        reason: For the customer.
    """

    return_id: ReturnId
    reason: str


async def decline_returns(
    commands: Sequence[DeclineReturn], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Return | DomainError]:
    """
    Turn each return down, or say why that can't be.

    Safe to repeat: what was declined for the same reason is answered again.
    """

    def decline(some: Return, command: DeclineReturn) -> None:
        some.decline(command.reason, clock())

    return await change_returns(commands, decline, uow=uow)
