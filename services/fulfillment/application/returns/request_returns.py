"""Use case: customers ask to send goods back."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.open_returns import Wish, open_returns
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.line import WantedLine
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.domain.returns.values import (
    AccountId,
    Resolution,
    ReturnId,
    ReturnKind,
)
from services.fulfillment.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReturn:
    """
    Attributes:
        lines: Each SKU once.
    """

    return_id: ReturnId
    order_id: OrderId
    account_id: AccountId
    lines: tuple[WantedLine, ...]


async def request_returns(
    commands: Sequence[RequestReturn], *, uow: UnitOfWork, clock: Clock, policy: ReturnPolicy
) -> Sequence[Return | DomainError]:
    """
    Open each return, or say why not.

    Safe to repeat: what was asked in the same words is answered as it stands.
    """
    wishes = [
        Wish(
            return_id=command.return_id,
            order_id=command.order_id,
            account_id=command.account_id,
            kind=ReturnKind.RETURN,
            resolution=Resolution.REFUND,
            lines=command.lines,
        )
        for command in commands
    ]
    return await open_returns(wishes, uow=uow, clock=clock, policy=policy)
