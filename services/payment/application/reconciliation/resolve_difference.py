"""Use case: a difference is seen to."""

from dataclasses import dataclass
from uuid import UUID

from chassis.kernel.clock import Clock
from services.payment.application.reconciliation.ports import ReconciliationUnitOfWork
from services.payment.domain.settlement.differences import Difference, DifferenceState


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveDifference:
    """
    Attributes:
        reason: Why, for whoever reads the books later.
        dismiss: Whether nothing is to be booked.
    """

    difference_id: UUID
    reason: str
    dismiss: bool


async def resolve_difference(
    command: ResolveDifference, *, uow: ReconciliationUnitOfWork, clock: Clock
) -> Difference:
    """
    Close a difference: book the correction that was proposed, or nothing.

    Safe to repeat: whoever comes second finds it closed, and the books take one correction for it.
    """
    now = clock()
    async with uow() as tx:
        found = await tx.differences.open(command.difference_id)
        resolved = found.resolve(reason=command.reason, dismiss=command.dismiss, now=now)
        if resolved is not found:
            await tx.differences.save(resolved)
            entry = resolved.entry(now=now)
            if entry and resolved.state is DifferenceState.CORRECTED:
                await tx.ledger.book([entry])
    return resolved
