"""What reconciliation does without being asked."""

from datetime import timedelta
from functools import partial

from chassis.repeat import repeat
from services.payment.application.reconciliation.matching import Matching
from services.payment.application.reconciliation.ports import (
    ReconciliationUnitOfWork,
    SettlementReports,
)
from services.payment.application.reconciliation.reconcile_due_accounts import (
    reconcile_due_accounts,
)
from services.payment.domain.settlement.differences import DifferenceKind
from services.payment.entrypoints.reconciliation_metrics import DIFFERENCES, RECONCILED

# What is due is due by the hour.
DUE_SECONDS = 60.0
WATCH_SECONDS = 15.0


async def keep_reconciling(*, psp: SettlementReports, matching: Matching, every: timedelta) -> None:
    """
    Reconcile each account every so often, until cancelled.
    """
    reconcile = partial(reconcile_due_accounts, psp=psp, matching=matching, every=every)
    await repeat(reconcile, name="reconcile accounts", every_seconds=DUE_SECONDS)


async def watch_differences(*, uow: ReconciliationUnitOfWork) -> None:
    """
    Show how many differences are open, until cancelled.
    """
    await repeat(
        partial(show_differences, uow), name="watch differences", every_seconds=WATCH_SECONDS
    )


async def show_differences(uow: ReconciliationUnitOfWork) -> None:
    """
    Set the gauges to what is open now, and until when accounts are reconciled.
    """
    async with uow() as tx:
        counts = await tx.differences.count_open()
        closed = await tx.windows.closed_until()
    for kind in DifferenceKind:
        DIFFERENCES.labels(kind).set(counts.get(kind, 0))
    for account, until in closed.items():
        RECONCILED.labels(account).set(until.timestamp())
