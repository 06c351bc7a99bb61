"""Use case: goods move to another location."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.stock.booking import book_each
from services.product.domain.movement import Cause, CauseType
from services.product.domain.stock import Stock
from services.product.domain.stock_item import StockItem
from services.product.domain.values import LocationId, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferredStock:
    source: StockItem
    target: StockItem


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStock:
    request_id: UUID
    sku: Sku
    from_location_id: LocationId
    to_location_id: LocationId
    quantity: Quantity

    @property
    def content(self) -> str:
        return repr((self.sku, self.from_location_id, self.to_location_id, self.quantity.units))

    @property
    def adds_to(self) -> Set[Place]:
        return {self.target}

    @property
    def begins(self) -> Set[Place]:
        return self.adds_to

    @property
    def changes(self) -> Set[Place]:
        return {self.source}

    @property
    def source(self) -> Place:
        return Place(sku=self.sku, location_id=self.from_location_id)

    @property
    def target(self) -> Place:
        return Place(sku=self.sku, location_id=self.to_location_id)


async def transfer_stock(
    commands: Sequence[TransferStock], *, uow: UnitOfWork, clock: Clock
) -> Sequence[TransferredStock | DomainError]:
    """
    Move units from one location to another, and answer each transfer with both ends.

    Safe to repeat: each request is recorded with its booking, and one that was booked is
    answered with the stock there is. One that was refused may be asked again.
    """
    return await book_each("TransferStock", commands, book=_book, show=_show, uow=uow, clock=clock)


def _book(command: TransferStock, stock: Stock, now: datetime) -> TransferredStock:
    source, target = stock.find(command.source), stock.find(command.target)
    cause = Cause(type=CauseType.TRANSFER, id=command.request_id, at=now)
    source.transfer_out(command.quantity.units, cause)
    target.transfer_in(command.quantity.units, cause)
    return TransferredStock(source=source, target=target)


def _show(command: TransferStock, stock: Stock) -> TransferredStock:
    return TransferredStock(source=stock.find(command.source), target=stock.find(command.target))
