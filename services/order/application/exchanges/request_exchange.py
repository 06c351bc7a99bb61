"""Use case: a customer sends goods back and gets others."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError, InvalidInput, RuleViolated
from services.order.application.exchanges.ports import (
    AskedReturn,
    Returns,
    WantedReturn,
    WantedReturnLine,
)
from services.order.application.place_orders import PlaceOrder, key_of, place_orders
from services.order.application.ports import Catalog, UnitOfWork
from services.order.domain.order import Order
from services.order.domain.values import AccountId, OrderId, ReturnId

# Names the returns of exchanges: the same request always means the same one.
_EXCHANGES = UUID("6f1d3c1e-5a0b-5b52-9c0f-6d0a4f6f2b7e")


class ExchangeOver(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestExchange:
    """
    Attributes:
        order_id: Whose goods go back.
        order: What comes instead.
    """

    order_id: OrderId
    lines: tuple[WantedReturnLine, ...]
    order: PlaceOrder


async def request_exchange(
    command: RequestExchange, *, returns: Returns, uow: UnitOfWork, catalog: Catalog, clock: Clock
) -> tuple[AskedReturn, Order]:
    """
    Ask for a return, and then place the order; if that is refused, give the return up.

    Safe to repeat, and to break off at any line: the return's id follows from the account and the
    request id, and both halves answer a second time as they did the first. A return that is left
    without its order, as nobody asked again, ends when its goods do not come.

    Raises:
        DomainError: The return is refused, or the order; or the request id stands for another one.
        ExchangeOver: It was refused before, or its return has ended: another one needs a new
            request id.
    """
    placed = await _placed(command.order, uow)
    if isinstance(placed, DomainError):
        raise placed
    asked = await returns.request(
        WantedReturn(
            account_id=command.order.account_id,
            order_id=command.order_id,
            return_id=return_id_of(command.order.account_id, command.order.request_id),
            lines=command.lines,
        )
    )
    if asked.is_over and placed is None:
        raise ExchangeOver(f"return {asked.return_id} has ended, and its order was not placed")
    wanted = replace(command.order, for_return_id=asked.return_id)
    (answer,) = await place_orders([wanted], uow=uow, catalog=catalog, clock=clock)
    if isinstance(answer, DomainError):
        # The return of an order that stands is not given up because it was asked for once more.
        if await _placed(command.order, uow) is None:
            await returns.cancel(command.order.account_id, asked.return_id)
        raise _in_order(answer)
    return asked, answer


def return_id_of(account_id: AccountId, request_id: UUID) -> ReturnId:
    return ReturnId(uuid5(_EXCHANGES, f"{account_id} {request_id}"))


async def _placed(order: PlaceOrder, uow: UnitOfWork) -> OrderId | DomainError | None:
    async with uow() as tx:
        (known,) = await tx.requests.find([key_of(order)])
    return known


def _in_order(refusal: DomainError) -> DomainError:
    """
    Return *refusal* with the field's place in the request for an exchange.
    """
    if isinstance(refusal, InvalidInput) and refusal.field:
        refusal.field = f"order.{refusal.field}"
    return refusal
