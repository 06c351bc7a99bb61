"""Sagas beside their orders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from chassis.saga.standing import Standing
from chassis.saga.steps import Outcome, Step
from services.order.application.sagas.ports import OrderSagaStanding
from services.order.domain.order import Order

Steps = Sequence[Step[Order]]


def beside(
    order: Order, standings: Mapping[UUID, Standing], *, steps: Steps, now: datetime
) -> OrderSagaStanding:
    """
    Return where the story of *order* stands among *standings*.
    """
    standing = standings.get(order.id)
    skippable = standing is not None and skipped(order, standing, steps=steps, now=now) is not None
    return OrderSagaStanding(
        order_id=order.id, account_id=order.account_id, standing=standing, skippable=skippable
    )


def skipped(
    order: Order, standing: Standing, *, steps: Steps, now: datetime
) -> Outcome[Order] | None:
    """
    Return what follows if somebody saw to the step elsewhere; `None` if nobody can have: a step
    that has not failed is not skipped.
    """
    if not standing.is_stuck:
        return None
    skips = [step.skip for step in steps if step.name == standing.step and step.skip]
    return skips[0](order, now) if skips else None
