"""Use case: the shop agrees to returns and claims."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.change_returns import change_returns
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.domain.returns.values import ReturnId


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveReturn:
    return_id: ReturnId


async def approve_returns(
    commands: Sequence[ApproveReturn], *, uow: UnitOfWork, clock: Clock, policy: ReturnPolicy
) -> Sequence[Return | DomainError]:
    """
    Agree to each return, or say why that can't be.

    Safe to repeat: what was agreed to is answered again.
    """

    def approve(some: Return, _: ApproveReturn) -> None:
        some.approve(policy, clock())

    return await change_returns(commands, approve, uow=uow)
