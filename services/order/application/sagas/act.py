"""How people move stories on by hand: what every such action has in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

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
from services.order.application.sagas.standings import (
    Steps,
    Subject,
    beside,
    order_of,
    subjects_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SagaAction:
    """
    What somebody wants done about the stories of some orders and returns.

    Attributes:
        ids: Of the orders and returns.
        actor: Who wants it: 1 to 64 characters.
        reason: Why: 1 to 500 characters.
    """

    ids: tuple[UUID, ...]
    actor: str
    reason: str

    def __post_init__(self) -> None:
        check_words(self.actor, "actor", least=1, most=64)
        check_words(self.reason, "reason", least=1, most=500)


# Returns what follows for one of them, or raises a refusal; `None` if it stays where it is.
Decide = Callable[[Subject, Standing, datetime], Outcome[Any] | None]


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
    Do what *decide* says to each story of *action*, and note *what* was done on the timeline of
    its order.

    The sagas are locked before their orders are read, and woken after: what a step under way has
    found out is void from here on, and the step that follows runs at once.
    """
    now = clock()
    async with uow() as tx:
        standings = await tx.sagas.hold(sorted(set(action.ids)))
        subjects = await subjects_of([*standings], tx)
        answers: dict[UUID, OrderSagaStanding | DomainError] = {}
        outcomes: dict[UUID, Outcome[Any]] = {}
        for id_, subject in subjects.items():
            try:
                outcome = decide(subject, standings[id_], now)
            except DomainError as refusal:
                answers[id_] = refusal
                continue
            order_of(subject).note(now, f"{what}: {action.reason}", action.actor)
            if outcome:
                outcomes[id_] = outcome
        acted = {id_: subject for id_, subject in subjects.items() if id_ not in answers}
        await _carry_out(acted, outcomes, tx, now)
        after = await tx.sagas.find([*acted])
    for id_, subject in acted.items():
        answers[id_] = beside(subject, after.get(id_), steps=steps, now=now)
    return [answers.get(id_) or SagaNotFound.of(id_) for id_ in action.ids]


async def _carry_out(
    acted: Mapping[UUID, Subject],
    outcomes: Mapping[UUID, Outcome[Any]],
    tx: SagaTransaction,
    now: datetime,
) -> None:
    for id_, outcome in outcomes.items():
        if outcome.change:
            outcome.change(acted[id_], now)
    moves = {id_: outcome.move(id_, due_at=now) for id_, outcome in outcomes.items()}
    await tx.sagas.move([move for move in moves.values() if move], now=now)
    await tx.sagas.end([id_ for id_, move in moves.items() if move is None])
    await tx.sagas.wake([*acted], now=now)
    orders = {order_of(subject).id: order_of(subject) for subject in acted.values()}
    await tx.orders.save([*orders.values()])
