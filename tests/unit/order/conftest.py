from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chassis.kernel.errors import Conflict
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.saga.steps import TryAgain
from chassis.storage.idempotency import RequestIdReused
from services.order.application.order_saga import OrderSaga
from services.order.application.participants import Refused
from services.order.application.place_orders import PlaceOrder, WantedLine
from services.order.application.ports import OrderNotFound, TracedEntry
from services.order.application.returns.ports import ReturnCase
from services.order.domain.period import ALWAYS
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId, Address, Allocation, Channel, LocationId
from tests.unit.order.accounts_memory import InMemoryAccounts
from tests.unit.order.carts_memory import InMemoryCartRequests, InMemoryCarts

LAMP = Sku("LAMP")
SHOP = AccountId("shop-1")


class OrderWorld:
    """
    Everything around the order service's use cases, in memory.

    A test sets it up, runs use cases against it, and looks at what changed. The other services
    are here as books that say who holds what; `refuse` makes one of them say no.
    """

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.variants = {LAMP: SoldVariant(title="Lamp", price=Money(10_00, "EUR"))}
        self.orders = {}
        self.requests = {}
        self.carts = {}
        self.cart_requests = {}
        self.limits = {}  # account id → its own
        self.channel_limits = {}
        self.sagas = {}  # order id → (step, due at)
        self.timelines = {}
        self.events = []
        self.refusals = {}  # verb → Refused
        self.calls = []
        self.held = {}  # order id → "held" | "confirmed"
        self.authorized = {}
        self.captured = {}
        self.cancelled_work = set()
        self.changed_work = {}  # order id → FulfillmentChange
        self.kept = {}  # order id → what its reservation keeps
        self.saga = OrderSaga(
            inventory=InventoryBook(self),
            payments=PaymentsBook(self),
            fulfillment=FulfillmentBook(self),
            clock=self.clock,
        )

    def clock(self) -> datetime:
        return self.now

    def later(self, **time) -> None:
        self.now += timedelta(**time)

    def refuse(self, verb, reason, *, passing=False) -> None:
        self.refusals[verb] = Refused(reason=reason, passing=passing)

    @asynccontextmanager
    async def uow(self) -> AsyncIterator["InMemoryTransaction"]:
        tx = InMemoryTransaction(self)
        yield tx
        self.orders, self.requests, self.sagas = tx.by_id, tx.by_key, tx.stories
        self.timelines = tx.timelines
        self.carts, self.cart_requests = tx.carts.by_id, tx.cart_requests.by_key
        self.limits = tx.accounts.own
        self.events += tx.events

    async def sold(self, skus):
        return {sku: self.variants[sku] for sku in skus if sku in self.variants}

    async def run_due(self) -> None:
        """
        Run every step that is due until none is, as the saga runner does.
        """
        steps = {step.name: step for step in self.saga.steps()}
        while due := {id_: s for id_, (s, at) in self.sagas.items() if at <= self.now}:
            name = next(iter(due.values()))
            ids = [id_ for id_, step in due.items() if step == name]
            subjects = deepcopy([self.orders[id_] for id_ in ids])
            outcomes = await steps[name].act(subjects)
            async with self.uow() as tx:
                for id_, order, outcome in zip(ids, subjects, outcomes, strict=True):
                    if isinstance(outcome, TryAgain):
                        tx.stories[id_] = (name, self.now + timedelta(seconds=1))
                        continue
                    if outcome.change:
                        outcome.change(order, self.now)
                        await tx.save([order])
                    if outcome.next_step:
                        tx.stories[id_] = (outcome.next_step, self.now + outcome.wait)
                    else:
                        del tx.stories[id_]


class InMemoryTransaction:
    """
    Works on copies, so that a rollback is real.
    """

    def __init__(self, world: OrderWorld) -> None:
        self.by_id = deepcopy(world.orders)
        self.by_key = dict(world.requests)
        self.stories = dict(world.sagas)
        self.timelines = deepcopy(world.timelines)
        self.events = []
        self.orders = self.sagas = self
        self.returns = InMemoryReturnCases(self)
        self.requests = InMemoryRequests(self.by_key)
        self.carts = InMemoryCarts(world.carts)
        self.cart_requests = InMemoryCartRequests(world.cart_requests)
        self.accounts = InMemoryAccounts(world.limits, world.channel_limits, self.by_id)

    async def find(self, order_ids):
        return {id_: deepcopy(self.by_id[id_]) for id_ in order_ids if id_ in self.by_id}

    async def get(self, account_id, order_id):
        order = self.by_id.get(order_id)
        if order is None or order.account_id != account_id:
            raise OrderNotFound(f"there is no order {order_id}")
        return deepcopy(order)

    async def page(self, account_id, *, before, statuses, limit, period=ALWAYS):
        ours = [
            order
            for order in self.by_id.values()
            if order.account_id == account_id
            and (before is None or order.id < before)
            and (not statuses or order.status in statuses)
            and (not period.placed_from or order.created_at >= period.placed_from)
            and (not period.placed_before or order.created_at < period.placed_before)
        ]
        return sorted(ours, key=lambda order: order.id, reverse=True)[:limit]

    async def timeline(self, order_id):
        return self.timelines.get(order_id, [])

    async def save(self, orders):
        for order in orders:
            known = self.by_id.get(order.id)
            if (known.version if known else 0) != order.version:
                raise Conflict("the order has changed meanwhile")
            order.version += 1
            entries = [TracedEntry(entry=entry, trace_id="") for entry in order.news]
            self.timelines.setdefault(order.id, []).extend(entries)
            order.news.clear()
            self.events += order.pull_events()
            self.by_id[order.id] = deepcopy(order)

    async def start(self, step, traces, *, now):
        self.stories |= dict.fromkeys(traces, (step, now))

    async def end(self, ids):
        for id_ in ids:
            self.stories.pop(id_, None)

    async def wake(self, ids, *, now):
        for id_ in ids:
            if id_ in self.stories:
                self.stories[id_] = (self.stories[id_][0], now)


class InMemoryReturnCases:
    def __init__(self, tx) -> None:
        self.tx = tx

    async def find(self, ids):
        return {
            return_id: ReturnCase(order=deepcopy(order), return_id=return_id)
            for order in self.tx.by_id.values()
            for return_id in order.returns.keys() & {*ids}
        }


class InMemoryRequests:
    def __init__(self, by_key) -> None:
        self.by_key = by_key

    async def find(self, keys):
        return [self._answer(key) for key in keys]

    async def claim(self, requests, *, now):  # noqa: ARG002
        answers = []
        for key, order_id in requests:
            self.by_key.setdefault((key.account_id, key.request_id), (key, order_id))
            answers.append(self._answer(key))
        return answers

    def _answer(self, key):
        first, order_id = self.by_key.get((key.account_id, key.request_id), (key, None))
        same = first.fingerprint == key.fingerprint
        return order_id if same else RequestIdReused.of(key.request_id)


class Book:
    """
    Another service, as a book of who holds what.
    """

    def __init__(self, world: OrderWorld) -> None:
        self.world = world

    def ask(self, verb, items):
        self.world.calls.append((verb, len(items)))
        return self.world.refusals.get(verb)


class InventoryBook(Book):
    async def reserve(self, orders):
        if refused := self.ask("reserve", orders):
            return [refused] * len(orders)
        self.world.held |= dict.fromkeys((order.id for order in orders), "held")
        return [
            tuple(
                Allocation(sku=sku, location_id=LocationId("main"), units=units)
                for sku, units in order.units_ordered.items()
            )
            for order in orders
        ]

    async def confirm(self, orders):
        if refused := self.ask("confirm", orders):
            return [refused] * len(orders)
        self.world.held |= dict.fromkeys((order.id for order in orders), "confirmed")
        return [None] * len(orders)

    async def release(self, orders):
        if refused := self.ask("release", orders):
            return [refused] * len(orders)
        for order in orders:
            self.world.held.pop(order.id, None)
        return [None] * len(orders)

    async def reduce(self, kept):
        if refused := self.ask("reduce", kept):
            return [refused] * len(kept)
        self.world.kept |= {order.id: tuple(allocations) for order, allocations in kept}
        return [None] * len(kept)

    async def consume(self, shipments):
        return [self.ask("consume", shipments)] * len(shipments)


class PaymentsBook(Book):
    async def authorize(self, orders):
        if refused := self.ask("authorize", orders):
            return [refused] * len(orders)
        self.world.authorized |= {order.id: order.grand_total for order in orders}
        return [None] * len(orders)

    async def capture(self, shipments):
        if refused := self.ask("capture", shipments):
            return [refused] * len(shipments)
        self.world.captured |= {parcel.id: parcel.value for _, parcel in shipments}
        return [None] * len(shipments)

    async def void(self, orders):
        if refused := self.ask("void", orders):
            return [refused] * len(orders)
        for order in orders:
            self.world.authorized.pop(order.id, None)
        return [None] * len(orders)


class FulfillmentBook(Book):
    async def change(self, changes):
        if refused := self.ask("change", changes):
            return [refused] * len(changes)
        self.world.changed_work |= {change.order_id: change for change in changes}
        return [None] * len(changes)

    async def cancel(self, orders):
        if refused := self.ask("cancel", orders):
            return [refused] * len(orders)
        self.world.cancelled_work |= {order.id for order in orders}
        return [None] * len(orders)


@pytest.fixture
def world() -> OrderWorld:
    return OrderWorld()


@pytest.fixture
def a_command():
    """
    Return a sound request for three lamps, but for what a test changes.
    """
    sound = PlaceOrder(
        request_id=UUID(int=1),
        fingerprint=b"three lamps",
        account_id=SHOP,
        channel=Channel.BUSINESS,
        lines=(WantedLine(sku=LAMP, quantity=Quantity(3)),),
        shipping=None,
        discount=None,
        expected_total=None,
        psp_token=PspToken("tok_visa"),
        ship_to=Address(name="Ada", lines=(), city="", postal_code="", country_code="GB"),
        reference="",
    )
    return lambda **changes: replace(sound, **changes)
