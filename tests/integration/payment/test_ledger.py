from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.kernel.ids import new_id
from chassis.storage.database import connect
from services.payment.domain.ledger import Balance

ENTRY, TRANSACTION = UUID(int=7), UUID(int=8)
INSERT_ENTRY = text(
    "INSERT INTO ledger_entries (id, occurred_at, kind, payment_id, transaction_id)"
    " VALUES (:id, now(), 'CAPTURE', :id, :transaction)"
)
INSERT_POSTINGS = text(
    """
    INSERT INTO ledger_postings (entry_id, line, account, currency, amount)
    SELECT :id, :first_line + line, 'sales', currency, amount
    FROM unnest(CAST(:amounts AS bigint[]), CAST(:currencies AS text[])) WITH ORDINALITY
        AS postings (amount, currency, line)
    """
)
DRIFT = text(
    """
    SELECT account, currency, sum(amount) AS amount FROM (
        SELECT account, currency, amount FROM ledger_balances
        UNION ALL
        SELECT account, currency, -amount FROM ledger_postings
    ) AS both_sides GROUP BY account, currency HAVING sum(amount) <> 0
    """
)


@pytest.fixture
async def owner(migrated):
    database = connect((await migrated("payment")).owner, application="owner-tests")
    yield database
    await database.close()


async def book(database, *postings):
    async with database.begin() as tx:
        await tx.run(INSERT_ENTRY, {"id": ENTRY, "transaction": TRANSACTION})
        await add(tx, *postings)


async def add(tx, *postings, first_line=0):
    values = {
        "id": ENTRY,
        "first_line": first_line,
        "amounts": [amount for amount, _ in postings],
        "currencies": [currency for _, currency in postings],
    }
    await tx.run(INSERT_POSTINGS, values)


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
    with pytest.raises(DBAPIError, match="does not balance"):
        await book(payments.database, *postings)

    assert await payments.rows(text("SELECT 1 FROM ledger_entries")) == []


async def test_the_database_refuses_a_posting_added_to_a_balanced_entry(payments):
    await book(payments.database, (1_00, "EUR"), (-1_00, "EUR"))

    with pytest.raises(DBAPIError, match="does not balance"):
        async with payments.database.begin() as tx:
            await add(tx, (1, "EUR"), first_line=2)


async def test_the_database_refuses_what_only_a_later_statement_would_balance(payments):
    with pytest.raises(DBAPIError, match="does not balance"):
        async with payments.database.begin() as tx:
            await tx.run(INSERT_ENTRY, {"id": ENTRY, "transaction": TRANSACTION})
            await add(tx, (1_00, "EUR"))
            await add(tx, (-1_00, "EUR"), first_line=1)


async def test_a_transaction_is_booked_once(payments):
    await book(payments.database, (1_00, "EUR"), (-1_00, "EUR"))

    with pytest.raises(DBAPIError, match="uq_ledger_entries_transaction_id"):
        async with payments.database.begin() as tx:
            await tx.run(INSERT_ENTRY, {"id": new_id(), "transaction": TRANSACTION})


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_postings"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
async def test_nobody_changes_what_is_booked(payments, owner, table, change):
    await book(payments.database, (1_00, "EUR"), (-1_00, "EUR"))
    column = "kind" if table == "ledger_entries" else "account"
    statement = text(change.format(table, column, "'x'") + " CASCADE" * ("TRUNC" in change))

    for database in (payments.database, owner):
        with pytest.raises(DBAPIError, match=r"permission denied|book a correction"):
            async with database.begin() as tx:
                await tx.run(statement)


async def test_the_service_cannot_touch_a_balance(payments):
    await book(payments.database, (1_00, "EUR"), (-1_00, "EUR"))

    with pytest.raises(DBAPIError, match="permission denied"):
        async with payments.database.begin() as tx:
            await tx.run(text("UPDATE ledger_balances SET amount = 0"))


async def test_balances_are_the_sums_of_the_books(payments, payment_id):
    await payments.authorize(payment_id)
    await payments.capture(payment_id, 30_00, shipping=5_00)
    await payments.capture(payment_id, 20_00)

    async with payments.uow() as tx:
        balances = await tx.ledger.balances()

    assert [(each.account, each.amount.minor_units) for each in balances] == [
        ("customer_receivable", 0),
        ("psp_clearing", 50_00),
        ("sales", -45_00),
        ("shipping_income", -5_00),
    ]
    assert all(isinstance(each, Balance) for each in balances)
    assert await payments.rows(DRIFT) == []
