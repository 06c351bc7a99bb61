"""Use case: goods were counted."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.text import Sku
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.stock.booking import book_each
from services.product.domain.movement import Cause, CauseType
from services.product.domain.stock import Stock
from services.product.domain.stock_item import StockItem
from services.product.domain.values import LocationId, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedStock:
    """
    Attributes:
        difference: Counted less booked; 0 if it was booked before.
    """

    item: StockItem
    difference: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountStock:
    """
    Attributes:
        on_hand: All units that are there, promised and damaged ones too.
        damaged: How many of them are damaged; `None`: as many as before.
    """

    request_id: UUID
    sku: Sku
    location_id: LocationId
    on_hand: int
    damaged: int | None = None

    @property
    def content(self) -> str:
        return repr((self.sku, self.location_id, self.on_hand, self.damaged))

    @property
    def adds_to(self) -> Set[Place]:
        return frozenset()

    @property
    def begins(self) -> Set[Place]:
        return {self.place} if self.on_hand else frozenset()

    @property
    def changes(self) -> Set[Place]:
        return {self.place}

    @property
    def place(self) -> Place:
        return Place(sku=self.sku, location_id=self.location_id)


async def count_stock(
    commands: Sequence[CountStock], *, uow: UnitOfWork, clock: Clock
) -> Sequence[CountedStock | DomainError]:
    """
    Set what is on hand to what was counted, and answer by how much the books were wrong.

    Safe to repeat: each request is recorded with its booking, and one that was booked is
    answered with the stock there is. One that was refused may be asked again.
    """
    return await book_each("CountStock", commands, book=_book, show=_show, uow=uow, clock=clock)


def _book(command: CountStock, stock: Stock, now: datetime) -> CountedStock:
    item = stock.find(command.place)
    cause = Cause(type=CauseType.COUNT, id=command.request_id, at=now)
    difference = item.count(command.on_hand, command.damaged, cause)
    return CountedStock(item=item, difference=difference)


def _show(command: CountStock, stock: Stock) -> CountedStock:
    return CountedStock(item=stock.find(command.place), difference=0)
