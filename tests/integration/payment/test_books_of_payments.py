"""What `make verify` asks of the books holds for every way that money takes."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from chassis.kernel.money import Money
from deploy.local.databases import asyncpg_url
from deploy.local.invariants.evidence import Evidence
from deploy.local.invariants.money import INVARIANTS
from services.payment.application.ledger.get_trial_balance import GetTrialBalance, get_trial_balance
from services.payment.domain.facts import ChargebackState, ChargedBack, RefundedElsewhere
from services.payment.domain.values import (
    MAIN_MERCHANT,
    Approved,
    CaptureId,
    ChargebackId,
    PspReference,
    RequestId,
    TransactionKind,
)

ABOUT_BOOKS = ("entries-balance", "ledger-balances", "transactions-booked-once")
PI = PspReference("pi")
OPENED = datetime(2026, 1, 1, tzinfo=UTC)


def euros(amount):
    return Money(amount * 100, "EUR")


@pytest.fixture
async def violated(migrated):
    """
    Return which of the invariants about the books are violated: `await violated()`.
    """
    connection = await asyncpg.connect(asyncpg_url((await migrated("payment")).admin))
    evidence = Evidence({"payment": connection}, None)
    about_books = [each for each in INVARIANTS if each.id in ABOUT_BOOKS]
    assert len(about_books) == len(ABOUT_BOOKS)

    async def look():
        found = {each.id: await each.check(evidence) for each in about_books}
        assert all(finding.checked for finding in found.values())
        return [id_ for id_, finding in found.items() if finding.violations]

    yield look
    await connection.close()


async def tell(payments, payment_id, note):
    """
    Bring a payment what the PSP says: *note* is given the payment.
    """
    async with payments.uow() as tx:
        opened = await tx.payments.open({payment_id})
        await tx.payments.save(opened.values())
        entries = note(opened[payment_id])
        await tx.payments.save(opened.values())
        await tx.ledger.book(entries)


def dispute(state):
    return ChargedBack(
        authorization=PI,
        chargeback_id=ChargebackId("dp_1"),
        amount=euros(20),
        reason="fraudulent",
        state=state,
        opened_at=OPENED,
        evidence_due_at=None,
    )


def refund(name, *, failed=False):
    return RefundedElsewhere(
        authorization=PI, refund=PspReference(name), amount=euros(5), failed=failed
    )


@pytest.fixture
def capture_id():
    return CaptureId(UUID(int=101))


@pytest.fixture
async def travelled(payments, payment_id):
    """
    Payments over a payment of which much became: captured, refunded, some of it in vain, taken
    back by the payer's bank and won again.
    """
    await payments.authorize(payment_id)
    await payments.capture(payment_id, 50_00, shipping=5_00)
    await payments.capture(payment_id, 10_00)
    facts = [
        lambda payment: payment.note_refund(refund("re_1"), now=OPENED),
        lambda payment: payment.note_refund(refund("re_2"), now=OPENED),
        lambda payment: payment.note_refund(refund("re_2", failed=True), now=OPENED),
        lambda payment: payment.note_refund(refund("re_3", failed=True), now=OPENED),
        lambda payment: payment.charge_back(dispute(ChargebackState.NEEDS_RESPONSE), now=OPENED),
    ]
    for fact in facts:
        await tell(payments, payment_id, fact)
    return payments


async def test_whatever_becomes_of_a_payment_its_books_are_right(travelled, violated, payment_id):
    assert await violated() == []

    await tell(
        travelled,
        payment_id,
        lambda payment: payment.charge_back(dispute(ChargebackState.WON), now=OPENED),
    )

    assert await violated() == []
    trial = await get_trial_balance(GetTrialBalance(merchant=MAIN_MERCHANT), uow=travelled.uow)
    assert {each.account: each.amount.minor_units for each in trial.balances} == {
        "chargebacks": 0,
        "customer_receivable": 0,
        "psp_clearing": 55_00,
        "refunds": 5_00,
        "sales": -55_00,
        "shipping_income": -5_00,
    }


@pytest.mark.parametrize("moved", [euros(9), euros(11)])
async def test_what_the_psp_moves_otherwise_is_in_the_books_and_in_suspense(
    travelled, violated, payment_id, capture_id, moved
):
    def captured(payment):
        payment.capture(capture_id, euros(10), euros(0), now=OPENED)
        asked = payment.transaction(TransactionKind.CAPTURE, RequestId(str(capture_id)))
        return payment.settle(asked.id, Approved(PspReference("ch"), moved), now=OPENED)

    await tell(travelled, payment_id, captured)

    assert await violated() == []
    trial = await get_trial_balance(GetTrialBalance(), uow=travelled.uow)
    (suspense,) = [each.amount for each in trial.balances if each.account == "suspense"]
    assert suspense == euros(10) - moved


@pytest.mark.parametrize(
    "forgotten",
    [TransactionKind.CAPTURE, TransactionKind.REFUND, TransactionKind.CHARGEBACK],
)
async def test_what_is_not_booked_is_seen(travelled, violated, forgotten):
    change = text(
        "UPDATE payment_transactions SET id = gen_random_uuid()"
        " WHERE kind = :kind AND moved IS NOT NULL"
    )
    async with travelled.database.begin() as tx:
        assert await tx.run(change, {"kind": forgotten})

    assert await violated() == ["transactions-booked-once"]
