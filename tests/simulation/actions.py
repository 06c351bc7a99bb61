"""What people do about orders, at any point of their life. A new kind is one entry of ACTIONS."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chassis.kernel.errors import DomainError
from services.order.application.cancel_order import CancelOrder, cancel_order
from services.order.application.change_order import ChangeOrder, change_order
from services.order.application.note_expired_authorizations import (
    NoteExpiredAuthorization,
    note_expired_authorizations,
)
from services.order.application.sagas.act import SagaAction
from services.order.application.sagas.compensate_sagas import CompensateSagas, compensate_sagas
from services.order.application.sagas.retry_sagas import RetrySagas, retry_sagas
from services.order.application.sagas.skip_saga_steps import SkipSagaSteps, skip_saga_steps
from services.order.domain.values import AccountId, Address, OrderId, OrderStatus

if TYPE_CHECKING:
    from tests.simulation.world import World

ACCOUNT = AccountId("shop-1")

_LOOKS = 30
# During the first steps, while a provider works, or around a parcel's way.
_MOMENTS = ((0.0, 3.0), (0.0, 600.0), (0.0, 10 * 86_400.0))


@dataclass(frozen=True, slots=True)
class Action:
    """
    Attributes:
        act: Does it; an order that has ended by then refuses it.
    """

    name: str
    act: Callable[["World", OrderId], Awaitable[None]]

    def when(self, chance: random.Random) -> float:
        """
        Return how many seconds after the order was placed.
        """
        return chance.uniform(*chance.choice(_MOMENTS))


async def retry(world: "World", order_id: OrderId) -> None:
    command = RetrySagas(ids=(order_id,), actor="operator", reason="no patience")
    await _act(world, retry_sagas, command)


async def compensate(world: "World", order_id: OrderId) -> None:
    command = CompensateSagas(ids=(order_id,), actor="operator", reason="no longer wanted")
    await _act(world, compensate_sagas, command)


async def see_to_it_elsewhere(world: "World", order_id: OrderId) -> None:
    """
    Wait for a step to be stuck, do by hand what it could not, and skip it; no time passes in
    between.
    """
    for _ in range(_LOOKS):
        standing = world.memory.sagas.get(order_id)
        if standing is None or standing.standing.is_stuck:
            break
        await asyncio.sleep(world.random.uniform(0, 43_200))
    if standing is None or not standing.standing.is_stuck:
        return
    order = world.memory.order(order_id)
    if standing.step == "compensate":
        world.product.release(order, moody=False)
        world.payment.void(order, moody=False)
    elif standing.step == "change_fulfillment" and order.is_to_be_changed:
        world.product.reduce((order, order.kept_by_change), moody=False)
    elif standing.step == "follow_fulfillment":
        for parcel in order.uncaptured:
            if parcel.value.minor_units:
                world.payment.capture_by_hand(order, parcel)
            world.product.consume((order, parcel), moody=False)
        if order.is_short and order.has_no_parcel_under_way:
            world.product.release(order, moody=False)
            world.payment.void(order, moody=False)
    command = SkipSagaSteps(
        ids=(order_id,), step=standing.step, actor="operator", reason="done by hand"
    )
    await _act(world, skip_saga_steps, command)


async def _act(world: "World", use_case: Callable[..., Any], command: SagaAction) -> None:
    (order_id,) = command.ids
    (answer,) = await use_case(command, uow=world.uow, steps=world.steps(), clock=world.clock)
    what = type(command).__name__
    refused = isinstance(answer, Exception)
    world.log(f"{what} of {world.name(order_id)}: {repr(answer) if refused else 'done'}")
    if not refused:
        world.acted.setdefault(order_id, []).append(what)


async def cancel(world: "World", order_id: OrderId) -> None:
    command = CancelOrder(account_id=ACCOUNT, order_id=order_id)
    await _ask(world, cancel_order, command)


async def change(world: "World", order_id: OrderId) -> None:
    chance = world.random
    lines = world.memory.order(order_id).lines
    some = [line for line in lines if chance.random() < 0.7]
    quantities = {line.number: chance.randint(0, line.quantity.units) for line in some}
    elsewhere = Address(name="Bo", lines=(), city="", postal_code="", country_code="GB")
    if ship_to := chance.choice((None, elsewhere)) or (elsewhere if not quantities else None):
        world.log(f"another address for {world.name(order_id)}: {ship_to.name}")
    command = ChangeOrder(
        account_id=ACCOUNT, order_id=order_id, ship_to=ship_to, quantities=quantities
    )
    await _ask(world, change_order, command)


async def _ask(
    world: "World", use_case: Callable[..., Any], command: CancelOrder | ChangeOrder
) -> None:
    what = f"{type(command).__name__} of {world.name(command.order_id)}"
    try:
        await use_case(command, uow=world.uow, clock=world.clock)
    except DomainError as refusal:
        world.log(f"{what}: {refusal!r}")
    else:
        world.log(f"{what}: asked for")


async def expire(world: "World", order_id: OrderId) -> None:
    """
    Let what is set aside for a promised order go back by itself, and tell the order, maybe twice.
    """
    if world.memory.order(order_id).status is not OrderStatus.PLACED:
        return
    if not world.payment.expire(order_id, world.clock()):
        return
    world.log(f"the authorization of {world.name(order_id)} expires")
    # Where a parcel has left, or leaves before that is heard, its charge is refused.
    world.moods.add(order_id)
    command = NoteExpiredAuthorization(order_id=order_id, version=3)
    for _ in range(world.random.choice((1, 1, 2))):
        await asyncio.sleep(world.random.expovariate(1 / 5.0))
        await world.note(note_expired_authorizations, command)


CHANGE = Action("change", change)
ACTIONS = (
    CHANGE,
    Action("cancel", cancel),
    Action("retry", retry),
    Action("compensate", compensate),
    Action("see to it elsewhere", see_to_it_elsewhere),
    Action("authorization expires", expire),
)
