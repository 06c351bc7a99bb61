"""Differences between the PSP and the books, kept in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis.kernel.money import Money
from chassis.storage.bulk import insert_missing_rows, update_rows
from chassis.storage.database import Transaction
from services.payment.adapters.settlement.reports import lock_account
from services.payment.adapters.settlement.rows import settlement_row_from_row
from services.payment.adapters.settlement.tables import SETTLEMENT_DIFFERENCES
from services.payment.application.reconciliation.ports import (
    DifferenceFilter,
    DifferenceNotFound,
    DifferencePlace,
)
from services.payment.domain.ledger import Account, EntryKind, Posting
from services.payment.domain.settlement.differences import (
    Difference,
    DifferenceKind,
    DifferenceState,
)
from services.payment.domain.values import MerchantId, PspAccount

# With the report's row, if it is about one.
_DIFFERENCES = """
    SELECT found.id, found.report, found.kind, found.position, found.transaction_id AS of,
        found.movement AS moved, found.payment_id, found.merchant, found.currency AS expected_in,
        found.expected, found.proposal, found.correction, found.created_at AS noticed_at,
        found.state, found.resolved_at, found.resolve_reason,
        reported.row_id, reported.kind AS row_kind, reported.source_id, reported.transaction_id,
        reported.currency, reported.gross, reported.fee, reported.net, reported.created_at,
        found.psp_account, settlement_reports.report_id
    FROM ({found}) AS found JOIN settlement_reports ON settlement_reports.id = found.report
    LEFT JOIN settlement_rows AS reported
        ON reported.report = found.report AND reported.position = found.position
"""
_ACCOUNT = text("SELECT psp_account FROM settlement_differences WHERE id = :id")
_ONE = text(_DIFFERENCES.format(found="SELECT * FROM settlement_differences WHERE id = :id"))
_MISSING_HERE = text(
    _DIFFERENCES.format(
        found="""
        SELECT * FROM settlement_differences
        WHERE psp_account = :account AND id > CAST(:after AS uuid)
            AND kind = 'MISSING_HERE' AND state = 'OPEN'
        ORDER BY id LIMIT :limit
        """
    )
    + "ORDER BY found.id"
)
_COUNT_OPEN = text(
    """
    SELECT kind, count(*) AS number FROM settlement_differences WHERE state = 'OPEN' GROUP BY kind
    """
)
_DISMISS = text(
    """
    UPDATE settlement_differences
    SET state = 'DISMISSED', resolve_reason = :reason, resolved_at = CAST(:now AS timestamptz)
    WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'OPEN'
    """
)


class SqlDifferences:
    """
    The differences of one transaction.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def open(self, difference_id: UUID) -> Difference:
        parameters = {"id": difference_id}
        for (account,) in await self._tx.rows(_ACCOUNT, parameters):
            # Its account, not only itself: a report that is being matched may explain it.
            await lock_account(self._tx, PspAccount(account))
            (row,) = await self._tx.rows(_ONE, parameters)
            return difference_from_row(row)
        raise DifferenceNotFound(f"there is no difference {difference_id}")

    async def add(self, account: PspAccount, differences: Sequence[Difference]) -> None:
        rows = [row_from_difference(account, each) for each in differences]
        await insert_missing_rows(self._tx, SETTLEMENT_DIFFERENCES, rows, returning="id")

    async def save(self, difference: Difference) -> None:
        outcome = {
            "id": difference.id,
            "state": difference.state,
            "resolved_at": difference.resolved_at,
            "resolve_reason": difference.resolve_reason,
        }
        await update_rows(self._tx, SETTLEMENT_DIFFERENCES, [outcome], key=["id"])

    async def dismiss(self, ids: Sequence[UUID], *, reason: str, now: datetime) -> None:
        if ids:
            await self._tx.run(_DISMISS, {"ids": list(ids), "reason": reason, "now": now})

    async def missing_here(
        self, account: PspAccount, *, after: UUID, limit: int
    ) -> Sequence[Difference]:
        parameters = {"account": account, "after": after, "limit": limit}
        return [difference_from_row(row) for row in await self._tx.rows(_MISSING_HERE, parameters)]

    async def count_open(self) -> Mapping[DifferenceKind, int]:
        return {DifferenceKind(row.kind): row.number for row in await self._tx.rows(_COUNT_OPEN)}

    async def page(
        self, wanted: DifferenceFilter, *, after: DifferencePlace | None, limit: int
    ) -> Sequence[Difference]:
        conditions = ["state = :state"]
        parameters: dict[str, Any] = {"state": wanted.state, "limit": limit}
        if wanted.report:
            conditions.append("report = CAST(:report AS uuid)")
            parameters["report"] = wanted.report
        if wanted.kind:
            conditions.append("kind = :kind")
            parameters["kind"] = wanted.kind
        if after:
            conditions.append(
                "(created_at, id) > (CAST(:after_time AS timestamptz), CAST(:after_id AS uuid))"
            )
            parameters["after_time"], parameters["after_id"] = after
        found = (
            f"SELECT * FROM settlement_differences WHERE {' AND '.join(conditions)}"
            " ORDER BY created_at, id LIMIT :limit"
        )
        statement = _DIFFERENCES.format(found=found) + "ORDER BY found.created_at, found.id"
        rows = await self._tx.rows(text(statement), parameters)
        return [difference_from_row(row) for row in rows]


def difference_from_row(row: Row[Any]) -> Difference:
    return Difference(
        id=row.id,
        report=row.report,
        kind=DifferenceKind(row.kind),
        position=row.position,
        row=settlement_row_from_row(row, kind=row.row_kind) if row.row_id else None,
        transaction_id=row.of,
        movement=EntryKind(row.moved) if row.moved else None,
        payment_id=row.payment_id,
        merchant=MerchantId(row.merchant),
        expected=None if row.expected is None else Money(row.expected, row.expected_in),
        proposal=row.proposal,
        correction=tuple(
            Posting(Account(account), Money(amount, currency))
            for account, amount, currency in row.correction
        ),
        created_at=row.noticed_at,
        state=DifferenceState(row.state),
        resolved_at=row.resolved_at,
        resolve_reason=row.resolve_reason,
        account=PspAccount(row.psp_account),
        report_id=row.report_id,
    )


def row_from_difference(account: PspAccount, difference: Difference) -> Mapping[str, Any]:
    expected = difference.expected
    return {
        "id": difference.id,
        "report": difference.report,
        "psp_account": account,
        "kind": difference.kind,
        "position": difference.position,
        "transaction_id": difference.transaction_id,
        "movement": difference.movement,
        "payment_id": difference.payment_id,
        "merchant": difference.merchant.text,
        "currency": expected.currency if expected else None,
        "expected": expected.minor_units if expected else None,
        "proposal": difference.proposal,
        "correction": [
            (line.account, line.amount.minor_units, line.amount.currency)
            for line in difference.correction
        ],
        "created_at": difference.created_at,
        "state": difference.state,
        "resolved_at": difference.resolved_at,
        "resolve_reason": difference.resolve_reason,
    }
