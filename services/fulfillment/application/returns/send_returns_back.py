"""Use case: what was not accepted goes back to the customer."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.change_returns import change_returns
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import ReturnId


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReturnBack:
    return_id: ReturnId
    tracking_number: str


async def send_returns_back(
    commands: Sequence[SendReturnBack], *, uow: UnitOfWork
) -> Sequence[Return | DomainError]:
    """
    Note that the refused goods of each return went back, or say that there are none.

    Safe to repeat: they go back once.
    """

    def send_back(some: Return, command: SendReturnBack) -> None:
        some.send_back(command.tracking_number)

    return await change_returns(commands, send_back, uow=uow)
