"""Use case: damaged goods can be sold again."""

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
class RestoreStock:
    request_id: UUID
    sku: Sku
    location_id: LocationId
    quantity: Quantity

    @property
    def content(self) -> str:
        return repr((self.sku, self.location_id, self.quantity.units))

    @property
    def adds_to(self) -> Set[Place]:
        return frozenset()

    @property
    def begins(self) -> Set[Place]:
        return self.adds_to

    @property
    def changes(self) -> Set[Place]:
        return {self.place}

    @property
    def place(self) -> Place:
        return Place(sku=self.sku, location_id=self.location_id)


async def restore_stock(
    commands: Sequence[RestoreStock], *, uow: UnitOfWork, clock: Clock
) -> Sequence[StockItem | DomainError]:
    """
    Put damaged units back on sale, and answer each entry with the stock there is.

    Safe to repeat: each request is recorded with its booking, and one that was booked is
    answered with the stock there is. One that was refused may be asked again.
    """
    return await book_each("RestoreStock", commands, book=_book, show=_show, uow=uow, clock=clock)


def _book(command: RestoreStock, stock: Stock, now: datetime) -> StockItem:
    item = stock.find(command.place)
    cause = Cause(type=CauseType.RESTORATION, id=command.request_id, at=now)
    item.restore(command.quantity.units, cause)
    return item


def _show(command: RestoreStock, stock: Stock) -> StockItem:
    return stock.find(command.place)
