"""What the books have in the PSP's clearing account, read from PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis.kernel.ids import first_id_at
from chassis.kernel.money import Money
from chassis.storage.database import Transaction
from services.payment.domain.ledger import EntryKind
from services.payment.domain.settlement.movements import Movement, Standing
from services.payment.domain.settlement.report import Report
from services.payment.domain.settlement.rows import PlacedRow, RowKind
from services.payment.domain.values import (
    MerchantId,
    PaymentId,
    PspAccount,
    TransactionId,
    TransactionState,
)

_KINDS = [kind for row_kind in RowKind if (kind := row_kind.entry_kind)]

# By our transaction's id if the PSP was told it; else by its own: of the money a capture was taken
# from, of the refund, of the dispute.
_ABOUT = text(
    """
    WITH asked AS (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:sources AS text[]), CAST(:kinds AS text[])
        ) AS asked (id, source, kind)
    ), named AS (
        SELECT id, '' AS source, kind FROM asked WHERE id IS NOT NULL
        UNION
        SELECT taken.id, source, asked.kind FROM asked
        JOIN payment_transactions AS held
            ON held.psp_reference = source AND held.kind = 'AUTHORIZATION'
            AND held.request_id = '' AND held.psp_reference <> ''
        JOIN payment_transactions AS taken
            ON taken.payment_id = held.payment_id AND taken.kind = 'CAPTURE'
        WHERE asked.id IS NULL AND asked.kind = 'CAPTURE'
        UNION
        SELECT paid.id, source, asked.kind FROM asked
        JOIN payment_transactions AS paid
            ON paid.psp_reference = source AND paid.kind = 'REFUND' AND paid.psp_reference <> ''
        WHERE asked.id IS NULL AND asked.kind IN ('REFUND', 'REFUND_REVERSAL')
        UNION
        SELECT disputed.id, source, asked.kind FROM asked
        JOIN payment_transactions AS disputed
            ON disputed.request_id = source AND disputed.kind = 'CHARGEBACK'
        WHERE asked.id IS NULL AND asked.kind IN ('CHARGEBACK', 'CHARGEBACK_REVERSAL')
    ), wanted AS (
        SELECT id, kind, max(source) AS source FROM named GROUP BY id, kind
    )
    SELECT wanted.id, wanted.kind, wanted.source, entry.payment_id, entry.merchant,
        cleared.currency, cleared.amount, done.amount AS asked, done.moved, done.state,
        settled.report IS NOT NULL AS is_settled, missed.id AS missed, missed.state AS missed_state
    FROM wanted
    JOIN ledger_entries AS entry ON entry.cause_id = wanted.id AND entry.kind = wanted.kind
    JOIN payments ON payments.id = entry.payment_id AND psp_account = :account
    JOIN payment_transactions AS done ON done.id = wanted.id
    JOIN LATERAL (
        SELECT currency, CAST(sum(amount) AS bigint) AS amount FROM ledger_postings
        WHERE entry_id = entry.id AND account = 'psp_clearing' GROUP BY currency
    ) AS cleared ON true
    LEFT JOIN settlement_rows AS settled
        ON settled.movement_id = wanted.id AND settled.movement = wanted.kind
    LEFT JOIN settlement_differences AS missed
        ON missed.transaction_id = wanted.id AND missed.movement = wanted.kind
        AND missed.kind = 'MISSING_THERE'
    """
)
# An entry's id says when it was booked: what was booked in a time lies together.
_UNSETTLED = text(
    """
    WITH page AS MATERIALIZED (
        SELECT id, cause_id, kind, payment_id, merchant FROM ledger_entries
        WHERE id > CAST(:cursor AS uuid) AND id >= CAST(:first AS uuid)
            AND id < CAST(:last AS uuid)
        ORDER BY id LIMIT :limit
    )
    SELECT page.id AS entry, cause_id AS id, page.kind, page.payment_id, merchant, missing.*
    FROM page LEFT JOIN LATERAL (
        SELECT cleared.currency, cleared.amount, done.amount AS asked, done.moved, done.state
        FROM payments JOIN payment_transactions AS done ON done.id = page.cause_id
        CROSS JOIN LATERAL (
            SELECT currency, CAST(sum(amount) AS bigint) AS amount FROM ledger_postings
            WHERE entry_id = page.id AND account = 'psp_clearing' GROUP BY currency
        ) AS cleared
        WHERE payments.id = page.payment_id AND psp_account = :account
            AND done.requested_at >= CAST(:since AS timestamptz)
            AND page.kind = ANY(CAST(:kinds AS text[]))
            AND NOT EXISTS (
                SELECT FROM settlement_rows
                WHERE movement_id = page.cause_id AND movement = page.kind
            )
            AND NOT EXISTS (
                SELECT FROM settlement_differences AS missed
                WHERE missed.transaction_id = page.cause_id AND missed.movement = page.kind
                    AND missed.kind = 'MISSING_THERE'
            )
    ) AS missing ON true
    ORDER BY page.id
    """
)


class SqlMovements:
    """
    The movements that one transaction sees.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def about(self, account: PspAccount, rows: Sequence[PlacedRow]) -> Sequence[Movement]:
        asked = [(placed.row, kind) for placed in rows if (kind := placed.row.kind.entry_kind)]
        if not asked:
            return []
        parameters = {
            "account": account,
            "ids": [row.transaction_id for row, _ in asked],
            "sources": [row.source_id for row, _ in asked],
            "kinds": [kind for _, kind in asked],
        }
        return [
            movement_from_row(
                row,
                source_id=row.source,
                standing=standing_of(row),
                missed_as=row.missed if row.missed_state == "OPEN" else None,
            )
            for row in await self._tx.rows(_ABOUT, parameters)
        ]

    async def unsettled(
        self, report: Report, *, begins: datetime, ends: datetime, since: datetime, limit: int
    ) -> tuple[Sequence[Movement], UUID | None]:
        parameters = {
            "account": report.account,
            "cursor": report.cursor,
            "first": first_id_at(begins),
            "last": first_id_at(ends),
            "since": since,
            "kinds": _KINDS,
            "limit": limit,
        }
        rows = await self._tx.rows(_UNSETTLED, parameters)
        missing = [movement_from_row(row) for row in rows if row.currency]
        return missing, rows[-1].entry if len(rows) == limit else None


def movement_from_row(
    row: Row[Any],
    *,
    source_id: str = "",
    standing: Standing = Standing.UNSETTLED,
    missed_as: UUID | None = None,
) -> Movement:
    kind = EntryKind(row.kind)
    amount = Money(row.amount, row.currency)
    return Movement(
        transaction_id=TransactionId(row.id),
        kind=kind,
        payment_id=PaymentId(row.payment_id),
        merchant=MerchantId(row.merchant),
        source_id=source_id,
        amount=amount,
        asked=asked_of(row, kind),
        standing=standing,
        missed_as=missed_as,
    )


def asked_of(row: Row[Any], kind: EntryKind) -> Money | None:
    """
    Return what was asked for instead of what was moved. What failed later is undone in the books,
    and what was wrong about it with it.
    """
    is_wrong = row.moved != row.asked and row.state == TransactionState.SUCCEEDED
    if is_wrong and kind is EntryKind.CAPTURE:
        return Money(row.asked, row.currency)
    if is_wrong and kind is EntryKind.REFUND:
        return Money(-row.asked, row.currency)
    return None


def standing_of(row: Row[Any]) -> Standing:
    if row.is_settled:
        return Standing.SETTLED
    return Standing.WRITTEN_OFF if row.missed_state == "CORRECTED" else Standing.UNSETTLED
