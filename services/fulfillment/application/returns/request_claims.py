"""Use case: customers want goods made good that arrived damaged or wrong, or not at all."""

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
class RequestClaim:
    """
    Attributes:
        lines: Each SKU once.
    """

    return_id: ReturnId
    order_id: OrderId
    account_id: AccountId
    resolution: Resolution
    lines: tuple[WantedLine, ...]


async def request_claims(
    commands: Sequence[RequestClaim], *, uow: UnitOfWork, clock: Clock, policy: ReturnPolicy
) -> Sequence[Return | DomainError]:
    """
    Open each claim, or say why not.

    Safe to repeat: what was asked in the same words is answered as it stands.
    """
    wishes = [
        Wish(
            return_id=command.return_id,
            order_id=command.order_id,
            account_id=command.account_id,
            kind=ReturnKind.CLAIM,
            resolution=command.resolution,
            lines=command.lines,
        )
        for command in commands
    ]
    return await open_returns(wishes, uow=uow, clock=clock, policy=policy)
