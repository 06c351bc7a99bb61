"""Use case: somebody says that a step was seen to elsewhere, and lets stories go on without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError, RuleViolated
from chassis.saga.standing import Standing
from chassis.saga.steps import Outcome
from services.order.application.sagas.act import SagaAction, act_on_sagas
from services.order.application.sagas.ports import OrderSagaStanding, SagaUnitOfWork
from services.order.application.sagas.standings import Steps, Subject, skipped


class SagaStepChanged(RuleViolated):
    pass


class StepNotSkippable(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipSagaSteps(SagaAction):
    """
    Attributes:
        step: The step that is meant: a story that has gone on meanwhile is left alone.
    """

    step: str


async def skip_saga_steps(
    command: SkipSagaSteps, *, uow: SagaUnitOfWork, steps: Steps, clock: Clock
) -> Sequence[OrderSagaStanding | DomainError]:
    """
    Let each story go on as though the step it stands at had succeeded.

    Safe to repeat: the second time the step is another, or has nothing left to skip.
    """

    def decide(subject: Subject, standing: Standing, now: datetime) -> Outcome[Any]:
        if standing.step != command.step:
            raise SagaStepChanged(f"the story of {standing.id} stands at {standing.step}")
        outcome = skipped(subject, standing, steps=steps, now=now)
        if outcome is None:
            raise StepNotSkippable(
                f"nobody but the other service can say that {standing.step} of"
                f" {standing.id} is done"
            )
        return outcome

    what = f"step skipped, {command.step}"
    return await act_on_sagas(command, what, decide, uow=uow, steps=steps, clock=clock)
