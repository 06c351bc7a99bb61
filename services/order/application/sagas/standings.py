"""Sagas beside what they are about: an order, or a return of its goods."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.saga.standing import Standing
from chassis.saga.steps import Outcome, Step
from services.order.application.returns.ports import ReturnCase
from services.order.application.sagas.ports import OrderSagaStanding, SagaTransaction
from services.order.domain.order import Order
from services.order.domain.values import OrderId

# Of orders and of returns: no two have one name.
Steps = Sequence[Step[Any]]
Subject = Order | ReturnCase


async def subjects_of(ids: Sequence[UUID], tx: SagaTransaction) -> Mapping[UUID, Subject]:
    """
    Return what the sagas of *ids* are about.
    """
    orders = await tx.orders.find([OrderId(id_) for id_ in ids])
    subjects: dict[UUID, Subject] = {order.id: order for order in orders.values()}
    others = [id_ for id_ in ids if id_ not in subjects]
    if others:
        subjects |= await tx.returns.find(others)
    return subjects


def order_of(subject: Subject) -> Order:
    return subject.order if isinstance(subject, ReturnCase) else subject


def beside(
    subject: Subject, standing: Standing | None, *, steps: Steps, now: datetime
) -> OrderSagaStanding:
    """
    Return where the story of *subject* stands; it has ended if there is no *standing*.
    """
    order = order_of(subject)
    skippable = standing and skipped(subject, standing, steps=steps, now=now) is not None
    return OrderSagaStanding(
        order_id=order.id,
        account_id=order.account_id,
        standing=standing,
        skippable=bool(skippable),
        return_id=subject.return_id if isinstance(subject, ReturnCase) else None,
    )


def skipped(
    subject: Subject, standing: Standing, *, steps: Steps, now: datetime
) -> Outcome[Any] | None:
    """
    Return what follows if somebody saw to the step elsewhere; `None` if nobody can have: a step
    that has not failed is not skipped.
    """
    if not standing.is_stuck:
        return None
    skips = [step.skip for step in steps if step.name == standing.step and step.skip]
    return skips[0](subject, now) if skips else None
