"""The rows of settlement reports, kept in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text

from chassis.kernel.errors import RuleViolated
from chassis.kernel.money import Money
from chassis.storage.bulk import insert_missing_rows, update_rows
from chassis.storage.database import Transaction
from services.payment.adapters.settlement.tables import SETTLEMENT_ROWS
from services.payment.domain.settlement.matching import PAIRED, Match
from services.payment.domain.settlement.report import Report
from services.payment.domain.settlement.rows import PlacedRow, RowKind, SettlementRow
from services.payment.domain.values import PspAccount

_IN_PLACE = text(
    """
    SELECT * FROM settlement_rows
    WHERE report = :report AND position = ANY(CAST(:positions AS integer[]))
    """
)
_LAST = text(
    "SELECT row_id FROM settlement_rows WHERE report = :report ORDER BY position DESC LIMIT 1"
)
_UNDECIDED = text(
    """
    SELECT * FROM settlement_rows
    WHERE report = :report AND position > :position AND outcome IS NULL
    ORDER BY position LIMIT :limit
    """
)
_KNOWN = text(
    """
    SELECT row_id FROM settlement_rows
    WHERE psp_account = :account AND row_id = ANY(CAST(:ids AS text[]))
        AND outcome IS NOT NULL AND outcome <> 'REPEATED'
    """
)


class RowMismatch(RuleViolated):
    pass


class SqlSettlementRows:
    """
    The rows of one transaction.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, account: PspAccount, rows: Sequence[PlacedRow]) -> int:
        added = await insert_missing_rows(
            self._tx,
            SETTLEMENT_ROWS,
            [row_from_placed(account, placed) for placed in rows],
            returning="position",
        )
        again = [placed for placed in rows if placed.position not in added]
        if again:
            await self._must_be_in_place(again)
        return len(added)

    async def _must_be_in_place(self, rows: Sequence[PlacedRow]) -> None:
        positions = [placed.position for placed in rows]
        parameters = {"report": rows[0].report, "positions": positions}
        known = {row.position: row for row in await self._tx.rows(_IN_PLACE, parameters)}
        for placed in rows:
            if placed_from_row(known[placed.position]) != placed:
                raise RowMismatch(
                    f"place {placed.position} of the report is taken by row"
                    f" {known[placed.position].row_id}, and {placed.row.row_id} differs from it"
                )

    async def last_id(self, report: Report) -> str:
        for row in await self._tx.rows(_LAST, {"report": report.id}):
            last: str = row.row_id
            return last
        return ""

    async def undecided(self, report: Report, *, limit: int) -> Sequence[PlacedRow]:
        parameters = {"report": report.id, "position": report.position, "limit": limit}
        return [placed_from_row(row) for row in await self._tx.rows(_UNDECIDED, parameters)]

    async def known_among(self, account: PspAccount, rows: Sequence[PlacedRow]) -> Collection[str]:
        ids = [placed.row.row_id for placed in rows]
        known = await self._tx.rows(_KNOWN, {"account": account, "ids": ids})
        return {row.row_id for row in known}

    async def decide(self, matches: Sequence[Match]) -> None:
        decided = [row_from_match(match) for match in matches]
        await update_rows(self._tx, SETTLEMENT_ROWS, decided, key=["report", "position"])


def row_from_placed(account: PspAccount, placed: PlacedRow) -> Mapping[str, Any]:
    row = placed.row
    return {
        "report": placed.report,
        "position": placed.position,
        "psp_account": account,
        "row_id": row.row_id,
        "kind": row.kind,
        "source_id": row.source_id,
        "transaction_id": row.transaction_id,
        "currency": row.gross.currency,
        "gross": row.gross.minor_units,
        "fee": row.fee.minor_units,
        "net": row.net.minor_units,
        "created_at": row.created_at,
    }


def row_from_match(match: Match) -> Mapping[str, Any]:
    paired = match.movement if match.outcome in PAIRED else None
    return {
        "report": match.placed.report,
        "position": match.placed.position,
        "outcome": match.outcome,
        "movement_id": paired.transaction_id if paired else None,
        "movement": paired.kind if paired else None,
    }


def placed_from_row(row: Row[Any]) -> PlacedRow:
    return PlacedRow(row.report, row.position, settlement_row_from_row(row, kind=row.kind))


def settlement_row_from_row(row: Row[Any], *, kind: str) -> SettlementRow:
    return SettlementRow(
        row_id=row.row_id,
        kind=RowKind(kind),
        source_id=row.source_id,
        transaction_id=row.transaction_id,
        gross=Money(row.gross, row.currency),
        fee=Money(row.fee, row.currency),
        net=Money(row.net, row.currency),
        created_at=row.created_at,
    )
