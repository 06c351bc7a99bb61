"""Use case: somebody looks at what waits: webhooks, and chargebacks."""

from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.payment.application.chargebacks.warn_of_evidence_due import SOON
from services.payment.application.ports import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """
    Attributes:
        waiting: Events that are not worked off yet.
        oldest_seconds: How long ago the oldest of them was received; 0 if there is none.
        failed: Events that wait for a person.
        chargebacks_open: Those that are not decided.
        evidence_due: Those of them that await evidence, which is due within three days.
    """

    waiting: int
    oldest_seconds: float
    failed: int
    chargebacks_open: int
    evidence_due: int


async def read_backlog(*, uow: UnitOfWork, clock: Clock) -> Backlog:
    now = clock()
    async with uow() as tx:
        waiting, oldest, failed = await tx.psp_events.backlog()
        undecided, due = await tx.chargebacks.backlog(due_before=now + SOON)
    return Backlog(
        waiting=waiting,
        oldest_seconds=max(0.0, (now - oldest).total_seconds()) if oldest else 0.0,
        failed=failed,
        chargebacks_open=undecided,
        evidence_due=due,
    )
