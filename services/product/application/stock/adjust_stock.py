"""Use case: the books are corrected by hand."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.text import Sku
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.stock.booking import book_each
from services.product.domain.movement import Cause, CauseType
from services.product.domain.stock import Stock
from services.product.domain.stock_item import StockCondition, StockItem
from services.product.domain.values import LocationId, Place


class AdjustmentReason(StrEnum):
    """
    Why stock is corrected.
    """

    CORRECTION = "CORRECTION"
    FOUND = "FOUND"
    LOST = "LOST"
    STOLEN = "STOLEN"
    SPOILED = "SPOILED"
    DESTROYED = "DESTROYED"
    USED = "USED"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustStock:
    """
    Attributes:
        delta: Units, more or less.
        condition: Of which units.
    """

    request_id: UUID
    sku: Sku
    location_id: LocationId
    delta: int
    reason: AdjustmentReason
    condition: StockCondition = StockCondition.SELLABLE
    note: str = ""

    @property
    def content(self) -> str:
        return repr(
            (
                self.sku,
                self.location_id,
                self.delta,
                self.reason.value,
                self.condition.value,
                self.note,
            )
        )

    @property
    def adds_to(self) -> Set[Place]:
        return {self.place} if self.delta > 0 else frozenset()

    @property
    def begins(self) -> Set[Place]:
        return self.adds_to

    @property
    def changes(self) -> Set[Place]:
        return {self.place}

    @property
    def place(self) -> Place:
        return Place(sku=self.sku, location_id=self.location_id)


async def adjust_stock(
    commands: Sequence[AdjustStock], *, uow: UnitOfWork, clock: Clock
) -> Sequence[StockItem | DomainError]:
    """
    Correct how much there is, and answer each adjustment with the stock there is.

    Safe to repeat: each request is recorded with its booking, and one that was booked is
    answered with the stock there is. One that was refused may be asked again.
    """
    return await book_each("AdjustStock", commands, book=_book, show=_show, uow=uow, clock=clock)


def _book(command: AdjustStock, stock: Stock, now: datetime) -> StockItem:
    item = stock.find(command.place)
    cause = Cause(
        type=CauseType.ADJUSTMENT,
        id=command.request_id,
        at=now,
        reason=command.reason.value,
        note=command.note,
    )
    item.adjust(command.delta, command.condition, cause)
    return item


def _show(command: AdjustStock, stock: Stock) -> StockItem:
    return stock.find(command.place)
