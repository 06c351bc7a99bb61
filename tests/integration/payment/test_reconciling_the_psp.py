"""What the simulated PSP says it has moved, fetched by Stripe's SDK, held beside our books."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from services.payment.adapters.settlement.accounts import ConfiguredSettledAccounts
from services.payment.adapters.settlement.unit_of_work import sql_reconciliation
from services.payment.adapters.stripe.accounts import Account
from services.payment.adapters.stripe.settlement import StripeSettlementReports
from services.payment.application.conversation import PspOutcomeUnknown, RefundDeclined
from services.payment.application.reconciliation.matching import Matching
from services.payment.application.reconciliation.reconcile_account import reconcile_account
from services.payment.domain.facts import ChargebackState, ChargedBack
from services.payment.domain.settlement.differences import DifferenceKind
from services.payment.domain.settlement.report import ReportState
from services.payment.domain.values import ChargebackId, PaymentId, RefundId
from tests.integration.payment.test_reconciliation import NOT_NOTHING, open_differences
from tests.settlements import MAIN

# The PSP's times are whole seconds, and what moves in the present one is left to the next time.
AHEAD = timedelta(seconds=2)


@pytest.fixture
async def psp_server(start_psp):
    """
    A PSP that has nothing from anybody else.
    """
    return await start_psp()


@pytest.fixture
def shop(payments, stripe, psp_server):
    account = Account(name=MAIN, api_key=psp_server.api_key, api_base=psp_server.url)
    payments.reports = StripeSettlementReports(stripe.accounts)
    payments.matching = Matching(
        uow=sql_reconciliation(payments.database),
        accounts=ConfiguredSettledAccounts([account]),
        clock=lambda: datetime.now(UTC) + AHEAD,
        margin=timedelta(0),
    )
    return payments


async def reconcile(shop):
    report = None
    while report is None or report.state is not ReportState.RECONCILED:
        report = await reconcile_account(MAIN, psp=shop.reports, matching=shop.matching)
    return report, await open_differences(shop.matching.uow)


async def test_the_psp_and_the_books_agree_to_the_cent(shop):
    payment_ids = [PaymentId(new_id()) for _ in range(4)]
    await shop.authorize(*payment_ids)
    for payment_id in payment_ids:
        await shop.capture(payment_id, 30_00, shipping=5_00)
        await shop.capture(payment_id, 30_00)
        await shop.refund(payment_id, 10_00)
    await shop.server.fault("wrong_amount", "capture", next=1)
    await shop.capture(payment_ids[0], 20_00)
    await shop.server.command("POST", "payouts")

    report, found = await reconcile(shop)

    assert report.rows == report.matched == 4 * 3 + 1 + 1
    assert [each.kind for each in found] == [DifferenceKind.WRONG_AMOUNT]
    assert found[0].expected == Money(20_00, "EUR")
    assert await shop.rows(NOT_NOTHING) == []


async def test_a_refund_that_fails_before_anybody_hears_of_it_leaves_no_difference(shop):
    payment_id, refund_id = PaymentId(new_id()), RefundId(new_id())
    await shop.authorize(payment_id)
    await shop.capture(payment_id, 30_00)
    for fault in ("refund_pending", "refund_fails_later"):
        await shop.server.fault(fault, "refund", next=1, ms=100)
    answer = await shop.refund(payment_id, 10_00, refund_id=refund_id)
    while isinstance(answer, PspOutcomeUnknown):
        answer = await shop.refund(payment_id, 10_00, refund_id=refund_id)
    assert isinstance(answer, RefundDeclined)

    report, found = await reconcile(shop)

    assert report.rows == report.matched == 3
    assert found == []
    assert await shop.rows(NOT_NOTHING) == []


async def test_a_chargeback_that_nobody_told_us_of_is_missing_here_until_it_is_booked(shop):
    payment_id = PaymentId(new_id())
    await shop.authorize(payment_id)
    await shop.capture(payment_id, 30_00)
    dispute = await shop.server.command("POST", "disputes", {"payment_id": str(payment_id)})

    _, (found,) = await reconcile(shop)
    assert (found.kind, found.row.source_id) == (DifferenceKind.MISSING_HERE, dispute["id"])

    async with shop.uow() as tx:
        payments = await tx.payments.open([payment_id])
        payment = payments[payment_id]
        fact = ChargedBack(
            authorization=payment.psp_reference,
            chargeback_id=ChargebackId(dispute["id"]),
            amount=Money(dispute["amount"], "EUR"),
            reason="fraudulent",
            state=ChargebackState.NEEDS_RESPONSE,
            opened_at=datetime.now(UTC),
            evidence_due_at=None,
        )
        entries = payment.charge_back(fact, now=datetime.now(UTC))
        await tx.payments.save([payment])
        await tx.ledger.book(entries)
    shop.matching = replace(shop.matching, clock=lambda: datetime.now(UTC) + 3 * AHEAD)

    _, found = await reconcile(shop)

    assert found == []
    assert await shop.rows(NOT_NOTHING) == []
