import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.storage.database import Write
from chassis.storage.metrics import STATEMENTS
from services.payment.adapters.ledger import SqlLedger
from services.payment.application.ledger.get_trial_balance import (
    GetTrialBalance,
    get_trial_balance,
)
from services.payment.domain.ledger import Account, Balance, EntryKind
from services.payment.domain.values import MerchantId
from tests.integration.payment.books import BOOK_ONE, book, entry, held, moved

SALES, CLEARING = Account.SALES, Account.PSP_CLEARING
TABLES = ("ledger_accounts", "ledger_entries", "ledger_postings")


@pytest.mark.parametrize(
    "postings",
    [
        [],
        [(1_00, "EUR")],
        [(1_00, "EUR"), (-99, "EUR")],
        [(1_00, "EUR"), (-1_00, "GBP")],
    ],
)
async def test_the_database_refuses_an_entry_that_does_not_balance(payments, postings):
    values = {
        "id": new_id(),
        "cause": new_id(),
        "amounts": [amount for amount, _ in postings],
        "currencies": [currency for _, currency in postings],
    }
    with pytest.raises(DBAPIError, match="does not balance"):
        async with payments.database.begin() as tx:
            await tx.run(BOOK_ONE, values)

    assert await payments.rows(text("SELECT 1 FROM ledger_entries")) == []


async def test_the_database_refuses_a_posting_added_to_a_balanced_entry(payments, owner):
    await book(payments, moved(1_00, CLEARING, SALES))

    with pytest.raises(DBAPIError, match="does not balance"):
        async with owner.begin() as tx:
            await tx.run(
                text(
                    "INSERT INTO ledger_postings SELECT entry_id, line + 2, merchant, account,"
                    " currency, shard, booked_at, 1, 1 FROM ledger_postings WHERE line = 1"
                )
            )


async def test_a_cause_is_booked_once_of_each_kind(payments):
    capture = moved(1_00, CLEARING, SALES)
    undone = moved(-1_00, CLEARING, SALES, cause=capture.cause_id, kind=EntryKind.CORRECTION)
    await book(payments, capture, undone)

    with pytest.raises(DBAPIError, match="uq_ledger_entries_cause_id"):
        await book(payments, capture)

    balances, _ = await held(payments)
    assert balances == {CLEARING: 0, SALES: 0}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET merchant = 'x'", "DELETE FROM {}", "TRUNCATE {}"]
)
async def test_nobody_changes_what_is_booked(payments, owner, table, change):
    await book(payments, moved(1_00, CLEARING, SALES))
    statement = text(change.format(table) + " CASCADE" * ("TRUNC" in change))

    for database in (payments.database, owner):
        with pytest.raises(DBAPIError, match=r"permission denied|book a correction"):
            async with database.begin() as tx:
                await tx.run(statement)


@pytest.mark.parametrize("table", TABLES)
async def test_the_service_writes_into_the_books_by_their_function_alone(payments, table):
    await book(payments, moved(1_00, CLEARING, SALES))

    with pytest.raises(DBAPIError, match="permission denied"):
        async with payments.database.begin() as tx:
            await tx.run(text(f"INSERT INTO {table} SELECT * FROM {table}"))


async def test_nothing_is_booked_on_what_may_be_outdated(payments):
    with pytest.raises(DBAPIError, match="have committed meanwhile"):
        async with payments.database.begin() as tx:
            await tx.run(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            await tx.run(
                BOOK_ONE,
                {"id": new_id(), "cause": new_id(), "amounts": [1, -1], "currencies": ["EUR"] * 2},
            )


async def test_a_booking_travels_with_the_other_writes_of_its_transaction(payments):
    (before,) = STATEMENTS.collect()
    async with payments.database.begin() as tx:
        sql = "UPDATE payments SET closed = true WHERE id = :id"
        await tx.write(Write(target="payments", sql=sql, parameters={"id": new_id()}))
        await SqlLedger(tx).book([moved(1_00, CLEARING, SALES)])
    (after,) = STATEMENTS.collect()

    assert after.samples[0].value - before.samples[0].value == 1
    balances, _ = await held(payments)
    assert balances == {CLEARING: 1_00, SALES: -1_00}


async def test_balances_are_the_sums_of_the_books(payments, payment_id):
    await payments.authorize(payment_id)
    await payments.capture(payment_id, 30_00, shipping=5_00)
    await payments.capture(payment_id, 20_00)

    trial = await get_trial_balance(GetTrialBalance(), uow=payments.uow)

    assert trial.balances == [
        Balance("customer_receivable", Money(0, "EUR")),
        Balance("psp_clearing", Money(50_00, "EUR")),
        Balance("sales", Money(-45_00, "EUR")),
        Balance("shipping_income", Money(-5_00, "EUR")),
    ]


async def test_every_merchant_has_accounts_of_its_own(payments):
    north, south = MerchantId("north"), MerchantId("south")
    await book(
        payments,
        moved(1_00, CLEARING, SALES, merchant=north),
        moved(5_00, CLEARING, SALES, merchant=south),
        entry((CLEARING, 7, "JPY"), (SALES, -7, "JPY"), merchant=south),
    )

    southern = await get_trial_balance(GetTrialBalance(merchant=south), uow=payments.uow)

    balances, _ = await held(payments, merchant=north)
    assert balances == {CLEARING: 1_00, SALES: -1_00}
    assert southern.balances == [
        Balance(CLEARING, Money(5_00, "EUR"), south),
        Balance(CLEARING, Money(7, "JPY"), south),
        Balance(SALES, Money(-5_00, "EUR"), south),
        Balance(SALES, Money(-7, "JPY"), south),
    ]


@pytest.mark.parametrize("table", ["payments", "payment_transactions", "chargebacks"])
async def test_the_service_may_delete_no_payment(payments, table):
    with pytest.raises(DBAPIError, match="permission denied"):
        async with payments.database.begin() as tx:
            await tx.run(text(f"DELETE FROM {table}"))


async def test_there_are_no_other_accounts_than_the_domain_has(payments, owner):
    for account in Account:
        await book(payments, moved(1_00, account, CLEARING if account != CLEARING else SALES))

    with pytest.raises(DBAPIError, match="ck_ledger_accounts_account"):
        async with owner.begin() as tx:
            await tx.run(text("INSERT INTO ledger_accounts VALUES ('main', 'pockets', 'EUR', 1)"))
