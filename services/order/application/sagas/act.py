"""How people move stories on by hand: what every such action has in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.text import check_words
from chassis.saga.standing import Standing
from chassis.saga.steps import Outcome
from services.order.application.sagas.ports import (
    OrderSagaStanding,
    SagaNotFound,
    SagaTransaction,
    SagaUnitOfWork,
)
from services.order.application.sagas.standings import Steps, beside
from services.order.domain.order import Order
from services.order.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class SagaAction:
    """
    What somebody wants done about the stories of some orders.

    Attributes:
        actor: Who wants it: 1 to 64 characters.
        reason: Why: 1 to 500 characters.
    """

    order_ids: tuple[OrderId, ...]
    actor: str
    reason: str

    def __post_init__(self) -> None:
        check_words(self.actor, "actor", least=1, most=64)
        check_words(self.reason, "reason", least=1, most=500)


# Returns what follows for one order, or raises a refusal; `None` if it stays where it is.
Decide = Callable[[Order, Standing, datetime], Outcome[Order] | None]


async def act_on_sagas(
    action: SagaAction,
    what: str,
    decide: Decide,
    *,
    uow: SagaUnitOfWork,
    steps: Steps,
    clock: Clock,
) -> Sequence[OrderSagaStanding | DomainError]:
    """
    Do what *decide* says to each order of *action*, and note *what* was done on its timeline.

    The sagas are locked before their orders are read, and woken after: what a step under way has
    found out is void from here on, and the step that follows runs at once.
    """
    now = clock()
    async with uow() as tx:
        standings = await tx.sagas.hold(sorted(set(action.order_ids)))
        orders = await tx.orders.find([OrderId(id_) for id_ in standings])
        refusals: dict[OrderId, DomainError] = {}
        outcomes: dict[OrderId, Outcome[Order]] = {}
        for order in orders.values():
            try:
                outcome = decide(order, standings[order.id], now)
            except DomainError as refusal:
                refusals[order.id] = refusal
                continue
            order.note(now, f"{what}: {action.reason}", action.actor)
            if outcome:
                outcomes[order.id] = outcome
        acted = [order for order in orders.values() if order.id not in refusals]
        await _carry_out(acted, outcomes, tx, now)
        now_standing = await tx.sagas.find([order.id for order in acted])
    answers: dict[OrderId, OrderSagaStanding | DomainError] = dict(refusals)
    answers |= {o.id: beside(o, now_standing, steps=steps, now=now) for o in acted}
    return [answers.get(id_) or SagaNotFound.of(id_) for id_ in action.order_ids]


async def _carry_out(
    acted: Sequence[Order],
    outcomes: dict[OrderId, Outcome[Order]],
    tx: SagaTransaction,
    now: datetime,
) -> None:
    for order in acted:
        if order.id in outcomes and (change := outcomes[order.id].change):
            change(order, now)
    moves = {id_: outcome.move(id_, due_at=now) for id_, outcome in outcomes.items()}
    await tx.sagas.move([move for move in moves.values() if move], now=now)
    await tx.sagas.end([id_ for id_, move in moves.items() if move is None])
    await tx.sagas.wake([order.id for order in acted], now=now)
    await tx.orders.save(acted)
