"""Use case: somebody looks through the stories of orders and returns that have not ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import InvalidInput
from chassis.kernel.text import check_text
from chassis.saga.standing import StandingQuery
from services.order.application.sagas.ports import OrderSagaStanding, SagaUnitOfWork
from services.order.application.sagas.standings import Steps, beside, subjects_of

MOST_SAGAS = 1_000
MOST_SECONDS = 1_000_000_000


class SagaPageOutOfRange(InvalidInput):
    pass


class SecondsOutOfRange(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSagas:
    """
    Attributes:
        after: Where the page before ended; `None` for the first.
        step: Only those at this step; empty: all.
        waits_for: Only those that wait for somebody whose name begins so; empty: all.
        least_seconds: Only those that have stood for so long.
        stuck: Only those whose step has failed, and those that wait for a person.
        limit: 1 to 1,000.
    """

    after: tuple[datetime, UUID] | None
    step: str
    waits_for: str
    least_seconds: int
    stuck: bool
    limit: int

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_SAGAS:
            raise SagaPageOutOfRange(f"page_size is 1 to {MOST_SAGAS:,}", field="page_size")
        if not 0 <= self.least_seconds <= MOST_SECONDS:
            raise SecondsOutOfRange(
                f"least_seconds is 0 to {MOST_SECONDS:,}", field="least_seconds"
            )
        check_text(self.step, "step", most=200)
        check_text(self.waits_for, "waits_for", most=200)


async def list_sagas(
    query: ListSagas, *, uow: SagaUnitOfWork, steps: Steps, clock: Clock
) -> tuple[Sequence[OrderSagaStanding], bool]:
    """
    Return a page of sagas, those that have stood longest first, and whether there are more.
    """
    now = clock()
    async with uow() as tx:
        page = await tx.sagas.page(
            StandingQuery(
                after=query.after,
                step=query.step,
                waits_for=query.waits_for,
                before=now - timedelta(seconds=query.least_seconds),
                stuck=query.stuck,
                limit=query.limit + 1,
            )
        )
        standings = {standing.id: standing for standing in page[: query.limit]}
        subjects = await subjects_of([*standings], tx)
    found = [
        beside(subjects[id_], standing, steps=steps, now=now)
        for id_, standing in standings.items()
        if id_ in subjects
    ]
    return found, len(page) > query.limit
