"""Use case: somebody gives orders up by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError, RuleViolated
from chassis.saga.standing import Standing
from services.order.application.returns.ports import ReturnCase
from services.order.application.sagas.act import SagaAction, act_on_sagas
from services.order.application.sagas.ports import OrderSagaStanding, SagaUnitOfWork
from services.order.application.sagas.standings import Steps, Subject
from services.order.domain.values import Reason

GIVING_BACK = "compensate"


class ReturnNotGivenUp(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensateSagas(SagaAction):
    pass


async def compensate_sagas(
    command: CompensateSagas, *, uow: SagaUnitOfWork, steps: Steps, clock: Clock
) -> Sequence[OrderSagaStanding | DomainError]:
    """
    Give each order up: what it holds goes back. Fulfillment is asked first if it may be at work on
    it; should a parcel have left by then, the order is kept, and its timeline says so.

    Safe to repeat: an order is given up once; the timeline says how often somebody asked.

    Refusals:
        OrderDispatched: A parcel has left.
        ReturnNotGivenUp: It is about a return.
    """

    def decide(subject: Subject, standing: Standing, now: datetime) -> None:
        if isinstance(subject, ReturnCase):
            raise ReturnNotGivenUp(f"return {subject.return_id}: what came back is made good")
        if standing.step == GIVING_BACK:
            return
        subject.request_cancellation(
            Reason.OPERATOR_REQUEST, by=command.actor, note=command.reason, now=now
        )

    return await act_on_sagas(
        command, "giving up asked for", decide, uow=uow, steps=steps, clock=clock
    )
