"""The books, kept in PostgreSQL, which checks every entry and refuses every change (ADR-0029)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.storage.database import Transaction, Write
from services.payment.domain.ledger import Balance, EntryKind, JournalEntry
from services.payment.domain.statement import (
    BookedPosting,
    LedgerAccount,
    Place,
    Statement,
    statement_of,
)
from services.payment.domain.values import MerchantId, PaymentId

_BOOK = """
    SELECT book_entries(
        CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:merchants AS text[]),
        CAST(:causes AS uuid[]), CAST(:payments AS uuid[]), CAST(:occurred AS timestamptz[]),
        CAST(:numbers AS integer[]), CAST(:accounts AS text[]), CAST(:currencies AS text[]),
        CAST(:amounts AS bigint[])
    )
"""

_CLOSED_UNTIL = text("SELECT wait_for_bookings() AS moment")

# The last posting to each shard of an account says what it holds.
_HELD = """
    FROM ledger_accounts AS kept, LATERAL (
        SELECT balance FROM ledger_postings AS posted
        WHERE (posted.merchant, posted.account, posted.currency, posted.shard)
            = (kept.merchant, kept.account, kept.currency, kept.shard) AND booked_at <= :as_of
        ORDER BY booked_at DESC, line DESC LIMIT 1
    ) AS last
"""
_ALL_BALANCES = text(
    f"""
    SELECT account, currency, CAST(sum(balance) AS bigint) AS amount {_HELD}
    GROUP BY account, currency ORDER BY account, currency
    """
)
_MERCHANTS_BALANCES = text(
    f"""
    SELECT account, currency, CAST(sum(balance) AS bigint) AS amount {_HELD}
    WHERE kept.merchant = :merchant
    GROUP BY account, currency ORDER BY account, currency
    """
)

# Each shard's part of the page by the index, as if it were the whole page; then those are merged.
_POSTED = """
    FROM ledger_postings AS posted
    WHERE (posted.merchant, posted.account, posted.currency, posted.shard)
        = (:merchant, :account, :currency, kept.shard)
"""
_STATEMENT = text(
    f"""
    WITH kept AS (
        -- Lines are counted from one. At the moment where the page begins, the shards come one
        -- after the other.
        SELECT shard, CASE
            WHEN shard < :shard THEN {2**31 - 1} WHEN shard = :shard THEN :line ELSE 0
        END AS line
        FROM ledger_accounts
        WHERE (merchant, account, currency) = (:merchant, :account, :currency)
    ), opening AS (
        SELECT CAST(coalesce(sum(balance), 0) AS bigint) AS opening FROM kept, LATERAL (
            SELECT balance {_POSTED} AND (booked_at, posted.line) <= (:after, kept.line)
            ORDER BY booked_at DESC, posted.line DESC LIMIT 1
        ) AS last
    ), page AS (
        SELECT each.* FROM kept, LATERAL (
            SELECT entry_id, booked_at, posted.shard, posted.line, amount {_POSTED}
                AND (booked_at, posted.line) > (:after, kept.line) AND booked_at <= :until
            ORDER BY booked_at, posted.line LIMIT :limit
        ) AS each
        ORDER BY booked_at, shard, line LIMIT :limit
    )
    SELECT opening, page.*, kind, payment_id
    FROM opening LEFT JOIN (page JOIN ledger_entries ON id = entry_id) ON true
    ORDER BY booked_at, shard, line
    """
)


class SqlLedger:
    """
    The books of one transaction.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def book(self, entries: Sequence[JournalEntry]) -> None:
        if entries:
            # Last, as it locks a shard of the books until the commit.
            await self._tx.write(
                Write(target="ledger", sql=_BOOK.strip(), parameters=_arrays_of(entries))
            )

    async def closed_until(self) -> datetime:
        (row,) = await self._tx.rows(_CLOSED_UNTIL)
        moment: datetime = row.moment
        return moment

    async def balances(self, *, as_of: datetime, merchant: MerchantId | None) -> Sequence[Balance]:
        if merchant:
            asked = {"as_of": as_of, "merchant": merchant.text}
            rows = await self._tx.rows(_MERCHANTS_BALANCES, asked)
        else:
            rows = await self._tx.rows(_ALL_BALANCES, {"as_of": as_of})
        return [Balance(row.account, Money(row.amount, row.currency), merchant) for row in rows]

    async def statement(
        self, of: LedgerAccount, *, after: Place, until: datetime, limit: int
    ) -> Statement:
        rows = await self._tx.rows(
            _STATEMENT,
            {
                "merchant": of.merchant.text,
                "account": of.account,
                "currency": of.currency,
                "after": after.booked_at,
                "shard": after.shard,
                "line": after.line,
                "until": until,
                # One more, to know whether there is a next page.
                "limit": limit + 1,
            },
        )
        postings = [posting_from_row(row, of.currency) for row in rows if row.entry_id]
        return statement_of(
            Money(rows[0].opening, of.currency),
            tuple(postings[:limit]),
            until=until,
            has_more=len(postings) > limit,
        )


def posting_from_row(row: Row[Any], currency: str) -> BookedPosting:
    return BookedPosting(
        place=Place(row.booked_at, row.shard, row.line),
        entry_id=row.entry_id,
        kind=EntryKind(row.kind),
        amount=Money(row.amount, currency),
        payment_id=PaymentId(row.payment_id) if row.payment_id else None,
    )


def _arrays_of(entries: Sequence[JournalEntry]) -> dict[str, list[Any]]:
    postings = [
        (number, posting)
        for number, entry in enumerate(entries, start=1)
        for posting in entry.postings
    ]
    return {
        "ids": [new_id() for _ in entries],
        "kinds": [entry.kind for entry in entries],
        "merchants": [entry.merchant.text for entry in entries],
        "causes": [entry.cause_id for entry in entries],
        "payments": [entry.payment_id for entry in entries],
        "occurred": [entry.occurred_at for entry in entries],
        "numbers": [number for number, _ in postings],
        "accounts": [posting.account for _, posting in postings],
        "currencies": [posting.amount.currency for _, posting in postings],
        "amounts": [posting.amount.minor_units for _, posting in postings],
    }
