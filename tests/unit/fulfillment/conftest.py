from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chassis.kernel.errors import Conflict
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.open_fulfillment_orders import (
    OpenFulfillmentOrders,
    open_fulfillment_orders,
)
from services.fulfillment.application.ports import Noticed, OfferedWork
from services.fulfillment.domain.events import FulfillmentEvent
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.performance import ProviderNote
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.values import (
    Address,
    FulfillmentOrderId,
    Goods,
    LocationId,
    OrderId,
    ProviderId,
    ServiceLevel,
    ShipmentId,
)
from tests.unit.fulfillment.parcels_memory import InMemoryParcelLabels, InMemoryTracking, Printer
from tests.unit.fulfillment.providers_memory import (
    InMemoryOfferExplanations,
    InMemoryProviderDays,
    InMemoryProviders,
)
from tests.unit.fulfillment.returns_memory import InMemoryReturns

HOME = Address(
    name="A. Consignee", lines=("1 High St",), city="Hull", postal_code="HU1", country_code="GB"
)


class FulfillmentWorld:
    """
    Everything around the use cases of fulfillment, in memory.

    A test sets it up, runs a use case against it, and looks at what changed.
    """

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        # How fast what is confirmed is to arrive.
        self.service_level = ServiceLevel.STANDARD
        self.providers: dict[ProviderId, Provider] = {}
        self.notes: list[ProviderNote] = []
        self.orders: dict[FulfillmentOrderId, FulfillmentOrder] = {}
        # Every order that was heard of, and whether it was opened.
        self.passed: dict[OrderId, bool] = {}
        self.returns = {}
        self.received = {}
        self.return_labels = {}
        self.parcel_labels = {}
        self.tracked = {}
        self.printer = Printer()
        self.events: list[FulfillmentEvent] = []
        # What watchers are told, one round after the other.
        self.news: list[Noticed | None] = [None]
        # What every use case needs that may make an offer.
        self.offering = {
            "uow": self.uow,
            "clock": self.clock,
            "answer_within": timedelta(seconds=30),
        }

        # What every use case needs that may ask for work to be given up.
        self.asking = {
            "uow": self.uow,
            "clock": self.clock,
            "answer_within": timedelta(hours=1),
        }

    def clock(self) -> datetime:
        return self.now

    def later(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    @asynccontextmanager
    async def uow(self) -> AsyncIterator["InMemoryTransaction"]:
        tx = InMemoryTransaction(self)
        yield tx
        self.providers = tx.providers.by_id
        self.notes = tx.provider_days.notes
        self.orders = tx.fulfillment_orders.by_id
        self.passed = tx.intake.passed
        self.parcel_labels, self.tracked = tx.parcel_labels.by_id, tx.tracking.events
        self.returns, self.received = tx.returns.by_id, tx.returns.received
        self.return_labels = tx.returns.labels
        self.events += [*tx.fulfillment_orders.events, *tx.returns.events]

    @contextmanager
    def of(self, provider_id):  # noqa: ARG002
        yield self._told()

    async def _told(self):
        while self.news:
            yield self.news.pop(0)

    def given_provider(self, name: str, **known) -> ProviderId:
        id_ = ProviderId(name)
        self.providers[id_] = Provider(id=id_, name=name.title(), **known)
        return id_

    async def confirm(self, order_id: OrderId, **at_location: dict[str, int]) -> None:
        """
        Let an order be confirmed: `confirm(id, leeds={"LAMP": 3})`.
        """
        goods = tuple(
            (LocationId(location), Goods(Sku(sku), Quantity(units)))
            for location, units_of in at_location.items()
            for sku, units in units_of.items()
        )
        command = OpenFulfillmentOrders(
            order_id=order_id, ship_to=HOME, goods=goods, service_level=self.service_level
        )
        async with self.uow() as tx:
            await open_fulfillment_orders(
                [command], tx=tx, clock=self.clock, answer_within=self.offering["answer_within"]
            )

    async def given_work(self, order_id: OrderId, **goods: int) -> FulfillmentOrder:
        """
        Return new work at one location, on three lamps unless told otherwise.
        """
        await self.confirm(order_id, leeds=goods or {"LAMP": 3})
        return self.work_on(order_id)[0]

    async def given_accepted_work(self, order_id: OrderId, **goods: int) -> FulfillmentOrder:
        offer = (await self.given_work(order_id, **goods)).live_offer
        await self.accept(offer)
        self.events.clear()
        return self.work_on(order_id)[0]

    async def accept(self, offer) -> None:
        command = AcceptOffer(offer_id=offer.id, provider_id=offer.provider_id)
        await accept_offers([command], **self.offering)

    def work_on(self, order_id: OrderId) -> list[FulfillmentOrder]:
        return [order for order in self.orders.values() if order.order_id == order_id]

    def told(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


class InMemoryTransaction:
    def __init__(self, world: FulfillmentWorld) -> None:
        self.providers = InMemoryProviders(dict(world.providers))
        self.provider_days = InMemoryProviderDays(list(world.notes))
        self.fulfillment_orders = InMemoryFulfillmentOrders(
            deepcopy(world.orders), self.provider_days
        )
        self.open_cancellations = InMemoryOpenCancellations(self.fulfillment_orders)
        self.offer_explanations = InMemoryOfferExplanations(self.fulfillment_orders)
        self.open_offers = InMemoryOpenOffers(self.fulfillment_orders)
        self.intake = InMemoryIntake(dict(world.passed))
        self.returns = InMemoryReturns(world.returns, world.received, world.return_labels)
        self.parcel_labels = InMemoryParcelLabels(world.parcel_labels, self.fulfillment_orders)
        self.tracking = InMemoryTracking(world.tracked, self.fulfillment_orders)


class InMemoryIntake:
    def __init__(self, passed) -> None:
        self.passed = passed

    async def admit(self, order_ids):
        admitted = set(order_ids) - self.passed.keys()
        self.passed |= dict.fromkeys(admitted, True)
        return admitted

    async def shut(self, order_ids):
        self.passed = dict.fromkeys(order_ids, False) | self.passed

    async def shut_among(self, order_ids):
        return {id_ for id_ in order_ids if self.passed.get(id_) is False}


class InMemoryFulfillmentOrders:
    def __init__(self, by_id, provider_days) -> None:
        self.by_id = by_id
        self._provider_days = provider_days
        self.events = []

    async def with_ids(self, ids):
        return [order for order in self.by_id.values() if order.id in ids]

    async def with_offers(self, offer_ids):
        return [
            order
            for order in self.by_id.values()
            if any(offer.id in offer_ids for offer in order.offers)
        ]

    async def beside(self, ids):
        return await self.of_orders({order.order_id for order in await self.with_ids(ids)})

    async def of_orders(self, order_ids):
        return [order for order in self.by_id.values() if order.order_id in order_ids]

    async def with_overdue_offers(self, now, *, limit):
        overdue = [o for o in self.by_id.values() if any(x.is_overdue(now) for x in o.offers)]
        return overdue[:limit]

    async def with_overdue_shipments(self, dispatched_by, *, limit):
        late = [
            order
            for order in self.by_id.values()
            if any(shipment.is_overdue(dispatched_by) for shipment in order.shipments)
        ]
        return late[:limit]

    async def of_order(self, order_id):
        return sorted(await self.of_orders([order_id]), key=lambda order: order.location_id)

    async def done_by(self, provider_id, *, after, limit):
        done = (
            order
            for order in self.by_id.values()
            if order.done_by == provider_id and order.status == "IN_PROGRESS"
        )
        page = sorted(done, key=lambda order: order.id)
        return [order for order in page if after is None or order.id > after][:limit]

    async def holders_of(self, shipment_ids):
        return {
            ShipmentId(shipment.id): order.id
            for order in self.by_id.values()
            for shipment in order.shipments
            if shipment.id in shipment_ids
        }

    async def save(self, orders):
        for order in orders:
            if events := order.pull_events():
                stored = self.by_id.get(order.id)
                if stored and stored is not order:
                    raise Conflict("opened twice")
                order.version += 1
                order.event_count += len(events)
                self.by_id[order.id] = order
                self.events += events
                await self._provider_days.note(order.pull_notes())


class InMemoryOpenOffers:
    def __init__(self, orders: InMemoryFulfillmentOrders) -> None:
        self._orders = orders

    async def of(self, provider_id):
        offers = [work.offer for work in self._open()]
        return {o.id: o.change_number for o in offers if o.provider_id == provider_id}

    async def read(self, provider_id, ids):
        return sorted(
            (w for w in self._open() if w.offer.id in ids and w.offer.provider_id == provider_id),
            key=lambda work: work.offer.id,
        )

    async def next_expiry(self):
        return min((work.offer.expires_at for work in self._open()), default=None)

    def _open(self):
        return [
            OfferedWork(offer=offer, order=order)
            for order in self._orders.by_id.values()
            for offer in order.offers
            if offer.is_open
        ]


class InMemoryOpenCancellations:
    def __init__(self, orders: InMemoryFulfillmentOrders) -> None:
        self._orders = orders

    async def of(self, provider_id):
        asked = [o for o in self._asked() if o.live_offer.provider_id == provider_id]
        return {order.id: order.answer_cancellation_by for order in asked}

    async def read(self, provider_id, ids):
        theirs = await self.of(provider_id)
        return [order for order in self._asked() if order.id in ids and order.id in theirs]

    async def overdue(self, now, *, limit):
        overdue = [o.order_id for o in self._asked() if o.answer_cancellation_by <= now]
        return set(overdue[:limit])

    async def next_deadline(self):
        return min((order.answer_cancellation_by for order in self._asked()), default=None)

    def _asked(self):
        return [order for order in self._orders.by_id.values() if order.is_asked]


@pytest.fixture
def world() -> FulfillmentWorld:
    return FulfillmentWorld()


@pytest.fixture
def order_id() -> OrderId:
    return OrderId(UUID(int=1))
