from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.storage.database import Database
from chassis.wake import Wake
from services.product.adapters.unit_of_work import sql_unit_of_work
from services.product.application.locations.create_location import (
    CreateLocation,
    create_location,
)
from services.product.application.reservations.confirm_reservations import (
    ConfirmReservation,
    confirm_reservations,
)
from services.product.application.reservations.consume_reservations import (
    ConsumeReservation,
    consume_reservations,
)
from services.product.application.reservations.expire_reservations import expire_reservations
from services.product.application.reservations.reduce_reservations import (
    ReduceReservation,
    reduce_reservations,
)
from services.product.application.reservations.release_reservations import (
    ReleaseReservation,
    release_reservations,
)
from services.product.application.reservations.reserve_stock import ReserveStock, reserve_stock
from services.product.application.stock.receive_stock import ReceiveStock, receive_stock
from services.product.domain.allocation import Shipment
from services.product.domain.location import Location
from services.product.domain.values import LocationId, Place, ReservationId, ShipmentId

MAIN = LocationId("main")

# Every stock item whose counts are not the sums of its journal, and every journal without one.
OUT_OF_BALANCE = text(
    """
    WITH journal AS (
        SELECT sku, location_id, sum(delta_on_hand) AS on_hand, sum(delta_held) AS held,
            sum(delta_allocated) AS allocated, sum(delta_damaged) AS damaged
        FROM stock_movements GROUP BY sku, location_id
    )
    SELECT sku, location_id FROM stock_items FULL JOIN journal USING (sku, location_id)
    WHERE (stock_items.on_hand, stock_items.held, stock_items.allocated, stock_items.damaged)
        IS DISTINCT FROM (coalesce(journal.on_hand, 0), coalesce(journal.held, 0),
            coalesce(journal.allocated, 0), coalesce(journal.damaged, 0))
    """
)
# Every stock item that promises other than what its reservations have been promised.
BROKEN_PROMISES = text(
    """
    WITH promised AS (
        SELECT sku, location_id,
            coalesce(sum(quantity) FILTER (WHERE state = 'HELD'), 0) AS held,
            coalesce(sum(quantity - shipped) FILTER (WHERE state = 'CONFIRMED'), 0) AS allocated
        FROM reservation_allocations JOIN reservations ON id = reservation_id
        GROUP BY sku, location_id
    )
    SELECT sku, location_id FROM stock_items FULL JOIN promised USING (sku, location_id)
    WHERE (stock_items.held, stock_items.allocated)
        IS DISTINCT FROM (coalesce(promised.held, 0), coalesce(promised.allocated, 0))
    """
)
# Every aggregate that counts other events than it has told.
UNTOLD = text(
    """
    WITH told AS (SELECT aggregate_id AS id, count(*) AS events FROM outbox GROUP BY 1),
    roots AS (
        SELECT id, event_count FROM reservations UNION ALL
        SELECT id, event_count FROM stock_items UNION ALL
        SELECT id, event_count FROM products UNION ALL
        SELECT id, event_count FROM categories
    )
    SELECT id FROM roots FULL JOIN told USING (id)
    WHERE event_count IS DISTINCT FROM coalesce(told.events, 0)
    """
)


class Replica:
    """
    One replica of the product service, by its use cases; several share one database.
    """

    def __init__(self, database: Database, clock):
        self.database = database
        self.clock = clock
        self.uow = sql_unit_of_work(database, told=Wake(), clock=clock)
        self._how = {"uow": self.uow, "clock": clock}

    async def receive(self, units, *, sku="LAMP", location=MAIN, request_id=None):
        command = ReceiveStock(
            request_id=request_id or uuid4(),
            sku=Sku(sku),
            location_id=LocationId(location),
            quantity=Quantity(units),
        )
        await self.locate(location)
        (answer,) = await receive_stock([command], **self._how)
        return answer

    async def locate(self, location, **more):
        place = Location(id=LocationId(location), name=location, **more)
        return await create_location(CreateLocation(location=place), uow=self.uow)

    async def reserve(self, *wanted, **more):
        """
        Reserve for each of *wanted*: an id and units by SKU.
        """
        commands = [ReserveStock(reservation_id=id_, lines=lines(u), **more) for id_, u in wanted]
        return await reserve_stock(commands, **self._how)

    async def confirm(self, *ids):
        commands = [ConfirmReservation(reservation_id=id_) for id_ in ids]
        return await confirm_reservations(commands, **self._how)

    async def release(self, *ids):
        commands = [ReleaseReservation(reservation_id=id_) for id_ in ids]
        return await release_reservations(commands, **self._how)

    async def reduce(self, *kept):
        """
        Let each of *kept* keep so much at the main location: an id and units by SKU.
        """
        commands = [
            ReduceReservation(
                reservation_id=id_,
                kept={Place(sku=s, location_id=MAIN): units for s, units in lines(u).items()},
            )
            for id_, u in kept
        ]
        return await reduce_reservations(commands, **self._how)

    async def consume(self, id_, units, *, location=MAIN):
        # One shipment a reservation and location: booked twice, it counts once.
        shipment = Shipment(
            id=ShipmentId(id_), location_id=LocationId(location), lines=lines(units)
        )
        command = ConsumeReservation(reservation_id=id_, shipment=shipment)
        (answer,) = await consume_reservations([command], **self._how)
        return answer

    async def expire(self, limit=200):
        return await expire_reservations(limit=limit, **self._how)

    async def levels(self, *skus):
        async with self.uow() as tx:
            return await tx.stock_items.of(skus or ["LAMP"])

    async def assert_balanced(self):
        async with self.database.begin() as tx:
            assert await tx.rows(OUT_OF_BALANCE) == []
            assert await tx.rows(BROKEN_PROMISES) == []
            assert await tx.rows(UNTOLD) == []


class Clock:
    def __init__(self):
        self.now = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def wait(self, **duration):
        self.now += timedelta(**duration)


def lines(units):
    return {Sku(sku): Quantity(number) for sku, number in units.items()}


def outcome(answer):
    return getattr(answer, "reason", None) or answer.state


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def replicas(database_of, clock):
    one, two = await database_of("product"), await database_of("product")
    return Replica(one, clock), Replica(two, clock)


@pytest.fixture
async def replica(replicas):
    """
    A replica on an empty database; in the end, its books must balance.
    """
    yield replicas[0]
    await replicas[0].assert_balanced()


@pytest.fixture
def new_id():
    numbers = count(1)
    return lambda: ReservationId(UUID(int=next(numbers)))
