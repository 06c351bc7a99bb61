"""Use case: what came back is restocked and made good."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.money import Money
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.change_returns import change_returns
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import ReturnId
from services.fulfillment.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReturn:
    """
    Attributes:
        refunded: What was paid back, if anything was.
        replacement_order_id: What replaces the goods, if anything does.
    """

    return_id: ReturnId
    refunded: Money | None
    replacement_order_id: OrderId | None


async def close_returns(
    commands: Sequence[CloseReturn], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Return | DomainError]:
    """
    Close each return with what was made good, or say why that can't be.

    Safe to repeat: closed stays closed, as it was closed first.
    """

    def close(some: Return, command: CloseReturn) -> None:
        some.close(
            refunded=command.refunded,
            replacement_order_id=command.replacement_order_id,
            now=clock(),
        )

    return await change_returns(commands, close, uow=uow)
