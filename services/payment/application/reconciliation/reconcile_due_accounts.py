"""Use case: every account is reconciled on a schedule."""

from datetime import timedelta

from services.payment.application.reconciliation.matching import Matching
from services.payment.application.reconciliation.ports import SettlementReports
from services.payment.application.reconciliation.reconcile_account import reconcile_account
from services.payment.domain.settlement.report import ReportState
from services.payment.domain.values import PspAccount

# Whoever has claimed an account and dies is followed by another after this.
LEASE = timedelta(minutes=10)


async def reconcile_due_accounts(
    *, psp: SettlementReports, matching: Matching, every: timedelta
) -> int:
    """
    Reconcile the accounts that are due, and return how many that was.

    Safe to run in any number of replicas: each claims its own, and one that dies is followed. An
    account of which it fails is due again after a while; called again, this goes on with the next.
    """
    reconciled = 0
    while True:
        now = matching.clock()
        async with matching.uow() as tx:
            # One at a time: what is claimed waits for nobody who may fail.
            account = await tx.windows.claim_due(
                matching.accounts.names(), now=now, until=now + LEASE
            )
        if account is None:
            return reconciled
        await _to_the_end(account, psp=psp, matching=matching)
        async with matching.uow() as tx:
            await tx.windows.put_off(account, until=now + every)
        reconciled += 1


async def _to_the_end(account: PspAccount, *, psp: SettlementReports, matching: Matching) -> None:
    while True:
        report = await reconcile_account(account, psp=psp, matching=matching)
        if report is None or report.state is ReportState.RECONCILED:
            return
        async with matching.uow() as tx:
            await tx.windows.put_off(account, until=matching.clock() + LEASE)
