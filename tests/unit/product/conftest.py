from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.application.locations.create_location import (
    CreateLocation,
    create_location,
)
from services.product.application.reservations.reserve_stock import ReserveStock, reserve_stock
from services.product.application.stock.receive_stock import ReceiveStock, receive_stock
from services.product.domain.events import ProductEvent
from services.product.domain.location import Location
from services.product.domain.reservation import Reservation
from services.product.domain.stock_item import StockItem
from services.product.domain.values import (
    Lines,
    LocationId,
    ReservationId,
    stock_item_id,
)
from tests.unit.product.memory import MAIN, NOON, InMemoryTransaction, Tables


class ProductWorld:
    """
    Everything around the product service's use cases, in memory.

    A test sets it up, runs a use case against it, and looks at what changed.
    """

    def __init__(self) -> None:
        self.tables = Tables()
        self.now = NOON

    @asynccontextmanager
    async def uow(self) -> AsyncIterator["InMemoryTransaction"]:
        tx = InMemoryTransaction(deepcopy(self.tables))
        yield tx
        self.tables = tx.tables

    def clock(self) -> datetime:
        return self.now

    @property
    def events(self) -> list[ProductEvent]:
        return self.tables.events

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def stock(self, sku: str, location: str = MAIN) -> StockItem:
        return self.tables.stock_items[stock_item_id(Sku(sku), LocationId(location))]

    async def receive(self, sku: str, units: int, location: str = MAIN) -> None:
        command = ReceiveStock(
            request_id=UUID(int=len(self.tables.requests) + 10_000),
            sku=Sku(sku),
            location_id=LocationId(location),
            quantity=Quantity(units),
        )
        await self.locate(location)
        await receive_stock([command], uow=self.uow, clock=self.clock)

    async def locate(self, location: str, **more: Any) -> Location:
        place = Location(id=LocationId(location), name=location.title(), **more)
        return await create_location(CreateLocation(location=place), uow=self.uow)

    async def reserve(self, reservation_id: ReservationId, **units: int) -> Reservation:
        command = ReserveStock(reservation_id=reservation_id, lines=lines(**units))
        (answer,) = await reserve_stock([command], uow=self.uow, clock=self.clock)
        assert isinstance(answer, Reservation), answer
        return answer

    def assert_conserved(self) -> None:
        for id_, item in self.tables.stock_items.items():
            journal = self.tables.movements.get(id_, [])
            assert item.on_hand == sum(m.on_hand for m in journal)
            assert item.held == sum(m.held for m in journal)
            assert item.allocated == sum(m.allocated for m in journal)
            assert item.damaged == sum(m.damaged for m in journal)
            assert item.available >= 0


def lines(**units: int) -> Lines:
    return {Sku(sku): Quantity(number) for sku, number in units.items()}


@pytest.fixture
def world() -> ProductWorld:
    return ProductWorld()


@pytest.fixture
def alice() -> ReservationId:
    return ReservationId(UUID(int=1))


@pytest.fixture
def bob() -> ReservationId:
    return ReservationId(UUID(int=2))
