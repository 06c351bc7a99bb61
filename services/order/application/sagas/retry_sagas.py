"""Use case: somebody lets stories go on at once, instead of when their pause is over."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.order.application.sagas.act import SagaAction, act_on_sagas
from services.order.application.sagas.ports import OrderSagaStanding, SagaUnitOfWork
from services.order.application.sagas.standings import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySagas(SagaAction):
    pass


async def retry_sagas(
    command: RetrySagas, *, uow: SagaUnitOfWork, steps: Steps, clock: Clock
) -> Sequence[OrderSagaStanding | DomainError]:
    """
    Run the step that each story stands at again, now.

    Safe to repeat: a step may run at any time; the timeline says how often somebody asked.
    """
    return await act_on_sagas(
        command, "step retried", lambda *_: None, uow=uow, steps=steps, clock=clock
    )
