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
# from, of the refund, of the dispute. Row by row, each by an index: OFFSET 0 keeps it so, as the
# planner would make joins of it, and guess.
_ABOUT = text(
    """
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:sources AS text[]), CAST(:kinds AS text[])
        ) AS asked (id, source, kind)
    ), named AS (
        SELECT id, '' AS source, kind FROM asked WHERE id IS NOT NULL
        UNION
        SELECT found.id, source, kind FROM asked, LATERAL (
            SELECT taken.id FROM payment_transactions AS held, LATERAL (
                SELECT id FROM payment_transactions
                WHERE payment_id = held.payment_id AND kind = 'CAPTURE' OFFSET 0
            ) AS taken
            WHERE held.psp_reference = source AND held.kind = 'AUTHORIZATION'
                AND held.request_id = '' AND held.psp_reference <> ''
            OFFSET 0
        ) AS found
        WHERE asked.id IS NULL AND kind = 'CAPTURE'
        UNION
        SELECT found.id, source, kind FROM asked, LATERAL (
            SELECT id FROM payment_transactions AS paid
            WHERE paid.psp_reference = source AND paid.kind = 'REFUND' AND paid.psp_reference <> ''
            OFFSET 0
        ) AS found
        WHERE asked.id IS NULL AND kind IN ('REFUND', 'REFUND_REVERSAL')
        UNION
        SELECT found.id, source, kind FROM asked, LATERAL (
            SELECT id FROM payment_transactions AS disputed
            WHERE disputed.request_id = source AND disputed.kind = 'CHARGEBACK' OFFSET 0
        ) AS found
        WHERE asked.id IS NULL AND kind IN ('CHARGEBACK', 'CHARGEBACK_REVERSAL')
    ), wanted AS MATERIALIZED (
        SELECT id, kind, max(source) AS source FROM named GROUP BY id, kind
    )
    SELECT wanted.id, wanted.kind, wanted.source, entry.payment_id, entry.merchant,
        cleared.currency, cleared.amount, done.amount AS asked, done.moved, done.state,
        settled.report IS NOT NULL AS is_settled, missed.id AS missed, missed.state AS missed_state
    FROM wanted, LATERAL (
        SELECT id, payment_id, merchant FROM ledger_entries
        WHERE cause_id = wanted.id AND kind = wanted.kind OFFSET 0
    ) AS entry, LATERAL (
        SELECT FROM payments WHERE id = entry.payment_id AND psp_account = :account OFFSET 0
    ) AS payment, LATERAL (
        SELECT amount, moved, state FROM payment_transactions WHERE id = wanted.id OFFSET 0
    ) AS done, LATERAL (
        SELECT currency, CAST(sum(amount) AS bigint) AS amount FROM ledger_postings
        WHERE entry_id = entry.id AND account = 'psp_clearing' GROUP BY currency
    ) AS cleared LEFT JOIN LATERAL (
        SELECT report FROM settlement_rows
        WHERE movement_id = wanted.id AND movement = wanted.kind OFFSET 0
    ) AS settled ON true LEFT JOIN LATERAL (
        SELECT id, state FROM settlement_differences
        WHERE transaction_id = wanted.id AND movement = wanted.kind AND kind = 'MISSING_THERE'
        OFFSET 0
    ) AS missed ON true
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
