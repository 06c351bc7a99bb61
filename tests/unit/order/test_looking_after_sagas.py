"""People move stories of orders on by hand."""

from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest

from chassis.kernel.errors import InvalidInput
from chassis.saga.steps import Move
from services.order.application.note_deliveries import NoteDelivery, note_deliveries
from services.order.application.note_dispatches import NoteDispatch, note_dispatches
from services.order.application.order_saga import FIRST_STEP
from services.order.application.sagas.compensate_sagas import CompensateSagas, compensate_sagas
from services.order.application.sagas.get_saga import get_saga
from services.order.application.sagas.list_sagas import ListSagas, list_sagas
from services.order.application.sagas.ports import SagaNotFound
from services.order.application.sagas.retry_sagas import RetrySagas, retry_sagas
from services.order.application.sagas.skip_saga_steps import (
    SagaStepChanged,
    SkipSagaSteps,
    StepNotSkippable,
    skip_saga_steps,
)
from services.order.domain.order_requests import OrderDispatched
from services.order.domain.values import (
    Allocation,
    Goods,
    LocationId,
    OrderId,
    OrderStatus,
    PaymentStatus,
    Reason,
    ShipmentId,
)
from tests.simulation.memory import Memory, MemoryTransaction
from tests.simulation.world import BEGIN, an_order

LATER = BEGIN + timedelta(hours=1)
NORTH = LocationId("north")


class Desk:
    """
    Orders and their sagas, and somebody who looks after them an hour later.
    """

    def __init__(self, steps):
        self.memory = Memory()
        self.steps = steps

    @asynccontextmanager
    async def uow(self):
        tx = MemoryTransaction(self.memory)
        yield tx
        tx.commit()

    def clock(self):
        return LATER

    async def order(self, number=1):
        order = an_order(number, units=2, now=BEGIN)
        async with self.uow() as tx:
            await tx.orders.save([order])
            await tx.sagas.start(FIRST_STEP, {order.id: ""}, now=BEGIN)
        return order.id

    async def promised(self, number=1):
        """
        Return the id of an order that waits for its provider.
        """
        order_id = await self.order(number)
        async with self.uow() as tx:
            order = (await tx.orders.find([order_id]))[order_id]
            goods = [
                Allocation(sku=sku, location_id=NORTH, units=units)
                for sku, units in order.units_ordered.items()
            ]
            order.reserve(goods, BEGIN)
            order.authorize(BEGIN)
            order.confirm(BEGIN)
            await tx.orders.save([order])
        await self.stand(order_id, "follow_fulfillment", waits_for="provider")
        return order_id

    async def dispatched(self, order_id):
        order = self.memory.order(order_id)
        parcel = NoteDispatch(
            order_id=order_id,
            shipment_id=ShipmentId(order_id),
            location_id=NORTH,
            goods=tuple(Goods(sku=s, units=u) for s, u in order.units_ordered.items()),
            at=BEGIN,
        )
        async with self.uow() as tx:
            await note_dispatches([parcel], tx=tx, clock=self.clock)

    async def changed(self, order_id):
        async with self.uow() as tx:
            order = (await tx.orders.find([order_id]))[order_id]
            order.request_change(None, {1: 1}, BEGIN)
            order.settle_change(BEGIN)
            await tx.orders.save([order])

    async def delivered(self, order_id):
        parcel = NoteDelivery(order_id=order_id, shipment_id=ShipmentId(order_id), at=BEGIN)
        async with self.uow() as tx:
            await note_deliveries([parcel], tx=tx, clock=self.clock)

    async def give_up(self, order_id):
        async with self.uow() as tx:
            order = (await tx.orders.find([order_id]))[order_id]
            order.give_up(order.cancellation.reason, BEGIN)
            await tx.orders.save([order])

    async def stand(self, order_id, step, **more):
        due_at = LATER + timedelta(days=1)
        async with self.uow() as tx:
            await tx.sagas.move([Move(id=order_id, step=step, due_at=due_at, **more)], now=BEGIN)

    def told(self, order_id):
        return [(entry.what, entry.cause) for entry in self.memory.timelines[order_id]]

    async def _do(self, use_case, kind, *order_ids, **more):
        command = kind(ids=order_ids, actor="ada", reason="a test", **more)
        return await use_case(command, uow=self.uow, steps=self.steps, clock=self.clock)

    async def retry(self, *ids):
        return await self._do(retry_sagas, RetrySagas, *ids)

    async def skip(self, *ids, step):
        return await self._do(skip_saga_steps, SkipSagaSteps, *ids, step=step)

    async def compensate(self, *ids):
        return await self._do(compensate_sagas, CompensateSagas, *ids)


@pytest.fixture
def desk(world):
    return Desk(world.saga.steps())


async def test_a_retried_step_is_due_now_and_its_claim_is_void(desk):
    order_id = await desk.promised()
    claim = desk.memory.sagas[order_id].claim

    (saga,) = await desk.retry(order_id)

    assert saga.standing.due_at == LATER
    assert desk.memory.sagas[order_id].claim > claim
    assert desk.told(order_id)[-1] == ("step retried: a test", "ada")


async def test_each_order_is_answered_on_its_own_in_the_order_asked(desk):
    one, two = await desk.order(1), await desk.order(2)
    unknown = OrderId(UUID(int=9))

    first, refused, second, again = await desk.retry(two, unknown, one, two)

    assert (first.order_id, second.order_id, again.order_id) == (two, one, two)
    assert isinstance(refused, SagaNotFound)
    assert desk.told(two).count(("step retried: a test", "ada")) == 1


async def test_a_refused_capture_that_was_seen_to_is_skipped(desk):
    order_id = await desk.promised()
    await desk.dispatched(order_id)
    await desk.stand(order_id, "follow_fulfillment", waits_for="a person: CAPTURE_DECLINED")

    (saga,) = await desk.skip(order_id, step="follow_fulfillment")

    assert saga.standing.due_at == LATER
    assert desk.memory.order(order_id).payment_status is PaymentStatus.PAID
    assert ("step skipped, follow_fulfillment: a test", "ada") in desk.told(order_id)


async def test_skipping_twice_has_nothing_left_to_skip(desk):
    order_id = await desk.promised()
    await desk.dispatched(order_id)
    await desk.stand(order_id, "follow_fulfillment", waits_for="a person: CAPTURE_DECLINED")
    await desk.skip(order_id, step="follow_fulfillment")
    told = desk.told(order_id)

    (refused,) = await desk.skip(order_id, step="follow_fulfillment")

    assert isinstance(refused, StepNotSkippable)
    assert desk.told(order_id) == told


async def test_what_is_left_over_is_given_back_though_a_charge_was_skipped(desk):
    order_id = await desk.promised()
    await desk.changed(order_id)
    await desk.dispatched(order_id)
    await desk.delivered(order_id)
    await desk.stand(order_id, "follow_fulfillment", waits_for="a person: CAPTURE_DECLINED")

    (saga,) = await desk.skip(order_id, step="follow_fulfillment")

    order = desk.memory.order(order_id)
    assert (order.status, order.uncaptured) == (OrderStatus.PLACED, ())
    assert order.has_rest
    assert (saga.standing.step, saga.standing.due_at) == ("follow_fulfillment", LATER)


async def test_a_step_that_has_not_failed_is_not_skipped(desk):
    order_id = await desk.promised()
    await desk.dispatched(order_id)

    (refused,) = await desk.skip(order_id, step="follow_fulfillment")

    assert isinstance(refused, StepNotSkippable)
    assert not desk.memory.order(order_id).uncaptured[0].captured


@pytest.mark.parametrize("step", [FIRST_STEP, "authorize_payment", "confirm_reservation"])
async def test_stock_and_money_are_not_skipped(desk, step):
    order_id = await desk.order()
    await desk.stand(order_id, step, attempts=9)

    (refused,) = await desk.skip(order_id, step=step)

    assert isinstance(refused, StepNotSkippable)


async def test_a_saga_that_went_on_meanwhile_is_left_alone(desk):
    order_id = await desk.promised()
    row = desk.memory.sagas[order_id]

    (refused,) = await desk.skip(order_id, step="compensate")

    assert isinstance(refused, SagaStepChanged)
    assert desk.memory.sagas[order_id] == row


async def test_what_was_given_back_elsewhere_ends_the_order(desk):
    order_id = await desk.order()
    await desk.compensate(order_id)
    await desk.give_up(order_id)
    await desk.stand(order_id, "compensate", waits_for="a person: VOID_DECLINED")

    (saga,) = await desk.skip(order_id, step="compensate")

    assert saga.standing is None
    assert desk.memory.order(order_id).status is OrderStatus.CANCELLED
    assert order_id not in desk.memory.sagas


async def test_the_step_of_an_order_that_is_to_be_given_up_runs_at_once_and_sees_to_it(desk):
    order_id = await desk.order()

    (saga,) = await desk.compensate(order_id)

    assert (saga.standing.step, saga.standing.due_at) == (FIRST_STEP, LATER)
    assert desk.memory.order(order_id).cancellation.reason is Reason.OPERATOR_REQUEST


async def test_fulfillment_is_asked_before_a_promised_order_is_given_up(desk):
    order_id = await desk.promised()

    (saga,) = await desk.compensate(order_id)

    assert (saga.standing.step, saga.standing.due_at) == ("follow_fulfillment", LATER)
    assert desk.memory.order(order_id).status is OrderStatus.PLACED


async def test_giving_up_twice_is_deciding_once(desk):
    order_id = await desk.order()
    await desk.compensate(order_id)

    (saga,) = await desk.compensate(order_id)

    assert saga.standing.step == FIRST_STEP
    told = [what for what, _ in desk.told(order_id)]
    assert told.count("cancellation requested: a test") == 1
    assert told.count("giving up asked for: a test") == 2


async def test_an_order_whose_parcel_has_left_is_not_given_up(desk):
    order_id = await desk.promised()
    await desk.dispatched(order_id)
    told = desk.told(order_id)

    (refused,) = await desk.compensate(order_id)

    assert isinstance(refused, OrderDispatched)
    assert desk.told(order_id) == told


async def test_a_saga_says_whether_its_step_may_be_skipped(desk):
    order_id = await desk.promised()
    await desk.dispatched(order_id)
    look = {"uow": desk.uow, "steps": desk.steps, "clock": desk.clock}
    assert not (await get_saga(order_id, **look)).skippable

    await desk.stand(order_id, "follow_fulfillment", attempts=1)

    assert (await get_saga(order_id, **look)).skippable


async def test_an_unknown_order_has_no_saga(desk):
    with pytest.raises(SagaNotFound):
        await get_saga(
            an_order(1, units=1, now=BEGIN).id,
            uow=desk.uow,
            steps=desk.steps,
            clock=desk.clock,
        )


async def test_only_those_that_have_stood_for_so_long_are_listed(desk):
    await desk.order()
    look = {"uow": desk.uow, "steps": desk.steps, "clock": desk.clock}
    wanted = {"after": None, "step": "", "waits_for": "", "stuck": False, "limit": 1}

    stood_an_hour, _ = await list_sagas(ListSagas(least_seconds=3_600, **wanted), **look)
    longer, _ = await list_sagas(ListSagas(least_seconds=3_601, **wanted), **look)

    assert (len(stood_an_hour), len(longer)) == (1, 0)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("page_size", {"limit": 1_001}),
        ("page_size", {"limit": -1}),
        ("least_seconds", {"least_seconds": -1}),
        ("step", {"step": "\0"}),
        ("waits_for", {"waits_for": "x" * 201}),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(field, changes):
    sound = {"after": None, "step": "", "waits_for": "", "least_seconds": 0, "stuck": False}

    with pytest.raises(InvalidInput) as refusal:
        ListSagas(**{**sound, "limit": 1, **changes})

    assert refusal.value.field == field


@pytest.mark.parametrize(("field", "text"), [("actor", ""), ("actor", "x" * 65), ("reason", "")])
def test_an_action_says_who_and_why(field, text):
    with pytest.raises(InvalidInput) as refusal:
        RetrySagas(ids=(), **{"actor": "ada", "reason": "a test", field: text})

    assert refusal.value.field == field
