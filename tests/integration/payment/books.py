"""Entries to book, and what the books must then say."""

from datetime import UTC, datetime

from sqlalchemy import text

from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from services.payment.application.ledger.get_account_statement import (
    GetAccountStatement,
    get_account_statement,
)
from services.payment.application.ledger.get_trial_balance import (
    GetTrialBalance,
    get_trial_balance,
)
from services.payment.domain.ledger import EntryKind, JournalEntry, Posting
from services.payment.domain.statement import LedgerAccount, Place
from services.payment.domain.values import MAIN_MERCHANT

OCCURRED = datetime(2026, 1, 1, tzinfo=UTC)
BEGINNING = Place.end_of(OCCURRED)

# As the service itself does it, but with arrays that it would never send.
BOOK_ONE = text(
    """
    SELECT book_entries(
        ARRAY[CAST(:id AS uuid)], ARRAY['CAPTURE'], ARRAY['main'], ARRAY[CAST(:cause AS uuid)],
        ARRAY[NULL::uuid], ARRAY[now()], array_fill(1, ARRAY[cardinality(CAST(:amounts AS
        bigint[]))]), array_fill('sales'::text, ARRAY[cardinality(CAST(:amounts AS bigint[]))]),
        CAST(:currencies AS text[]), CAST(:amounts AS bigint[])
    )
    """
)


def entry(*postings, merchant=MAIN_MERCHANT, kind=EntryKind.CAPTURE, cause=None, payment_id=None):
    """
    Return an entry of (account, minor units) or (account, minor units, currency).
    """
    return JournalEntry(
        kind=kind,
        merchant=merchant,
        cause_id=cause or new_id(),
        payment_id=payment_id,
        occurred_at=OCCURRED,
        postings=tuple(
            Posting(account, Money(amount, *currency or ("EUR",)))
            for account, amount, *currency in postings
        ),
    )


def moved(amount, debit, credit, **more):
    return entry((debit, amount), (credit, -amount), **more)


async def book(payments, *entries):
    async with payments.uow() as tx:
        await tx.ledger.book(entries)


async def held(payments, as_of=None, merchant=None):
    """
    Return what the accounts hold, and as of when.
    """
    query = GetTrialBalance(as_of=as_of, merchant=merchant)
    trial = await get_trial_balance(query, uow=payments.uow)
    return {each.account: each.amount.minor_units for each in trial.balances}, trial.as_of


async def page(payments, account, *, after=BEGINNING, until=None, size=100):
    of = LedgerAccount(merchant=MAIN_MERCHANT, account=account, currency="EUR")
    query = GetAccountStatement(of=of, after=after, until=until, page_size=size)
    return await get_account_statement(query, uow=payments.uow)
