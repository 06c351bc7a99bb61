"""Use case: goods have arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.application.ports.requests import Request
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.stock import Stock
from services.product.domain.stock_item import Cause, CauseType, StockItem
from services.product.domain.values import LocationId, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveStock:
    request_id: UUID
    sku: Sku
    location_id: LocationId
    quantity: Quantity

    @property
    def place(self) -> Place:
        return Place(sku=self.sku, location_id=self.location_id)


async def receive_stock(
    commands: Sequence[ReceiveStock], *, uow: UnitOfWork, clock: Clock
) -> Sequence[StockItem | DomainError]:
    """
    Book goods in, and answer each receipt with the stock there is.

    Safe to repeat: each receipt's request is recorded with its booking, and one that was booked
    is answered without booking it again.
    """
    now = clock()
    async with uow() as tx:
        earlier = await tx.requests.claim([_request(command) for command in commands], now=now)
        asked = list(zip(commands, earlier, strict=True))
        places = {command.place for command, done in asked if not isinstance(done, DomainError)}
        stock = Stock(await tx.stock_items.open(places))
        answers = [_receive(command, done, stock, now) for command, done in asked]
        await tx.stock_items.save(stock.moved)
    return answers


def _receive(
    command: ReceiveStock, done: UUID | DomainError | None, stock: Stock, now: datetime
) -> StockItem | DomainError:
    if isinstance(done, DomainError):
        return done
    item = stock.at(command.sku, command.location_id)
    if done is None:
        cause = Cause(type=CauseType.RECEIPT, id=command.request_id, at=now)
        item.receive(command.quantity, cause)
    return item


def _request(command: ReceiveStock) -> Request:
    return Request(
        operation="ReceiveStock",
        request_id=command.request_id,
        content=f"{command.sku} {command.location_id} {command.quantity.units}",
        outcome_id=new_id(),
    )
