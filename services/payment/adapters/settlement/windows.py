"""Which time of each account was fetched, kept in PostgreSQL."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import text

from chassis.storage.database import Transaction
from services.payment.adapters.settlement.reports import lock_account
from services.payment.application.reconciliation.ports import Window
from services.payment.domain.values import PspAccount

# Before the first entry of the books, so that what it was booked for is in.
BEFORE = timedelta(days=1)

_WINDOW = text("SELECT * FROM settlement_windows WHERE psp_account = :account")
# Of any account: what this one did cannot be older.
_FIRST_ENTRY = text("SELECT occurred_at FROM ledger_entries ORDER BY id LIMIT 1")
_BEGIN = text(
    """
    INSERT INTO settlement_windows (psp_account, begins_at, ends_at, due_at)
    VALUES (:account, CAST(:begins AS timestamptz), CAST(:ends AS timestamptz), '-infinity')
    ON CONFLICT (psp_account) DO UPDATE
    SET begins_at = excluded.begins_at, ends_at = excluded.ends_at
    """
)
_CLOSED = text("SELECT * FROM settlement_windows WHERE closed_until IS NOT NULL")
_CLOSE = text(
    """
    UPDATE settlement_windows SET closed_until = ends_at, begins_at = NULL, ends_at = NULL
    WHERE psp_account = :account AND ends_at = CAST(:ends AS timestamptz)
    """
)
_KNOW = text(
    """
    INSERT INTO settlement_windows (psp_account, due_at)
    SELECT account, '-infinity' FROM unnest(CAST(:accounts AS text[])) AS account
    ON CONFLICT DO NOTHING
    """
)
_CLAIM = text(
    """
    UPDATE settlement_windows SET due_at = CAST(:until AS timestamptz)
    WHERE psp_account = (
        SELECT psp_account FROM settlement_windows
        WHERE psp_account = ANY(CAST(:accounts AS text[])) AND due_at <= CAST(:now AS timestamptz)
        ORDER BY due_at, psp_account LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING psp_account
    """
)
_PUT_OFF = text(
    "UPDATE settlement_windows SET due_at = CAST(:until AS timestamptz)"
    " WHERE psp_account = :account"
)


class SqlWindows:
    """
    The windows of one transaction.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def open(self, account: PspAccount, *, until: datetime) -> Window | None:
        await lock_account(self._tx, account)
        begins = None
        for row in await self._tx.rows(_WINDOW, {"account": account}):
            if row.ends_at:
                return Window(account=account, begins=row.begins_at, ends=row.ends_at)
            begins = row.closed_until
        begins = begins or await self._first(until)
        if begins >= until:
            return None
        await self._tx.run(_BEGIN, {"account": account, "begins": begins, "ends": until})
        return Window(account=account, begins=begins, ends=until)

    async def _first(self, until: datetime) -> datetime:
        for row in await self._tx.rows(_FIRST_ENTRY):
            until = min(until, row.occurred_at)
        return until.replace(microsecond=0) - BEFORE

    async def close(self, window: Window) -> None:
        await self._tx.run(_CLOSE, {"account": window.account, "ends": window.ends})

    async def claim_due(
        self, accounts: Iterable[PspAccount], *, now: datetime, until: datetime
    ) -> PspAccount | None:
        parameters = {"accounts": list(accounts), "now": now, "until": until}
        await self._tx.run(_KNOW, {"accounts": parameters["accounts"]})
        for row in await self._tx.rows(_CLAIM, parameters):
            return PspAccount(row.psp_account)
        return None

    async def closed_until(self) -> Mapping[PspAccount, datetime]:
        return {
            PspAccount(row.psp_account): row.closed_until for row in await self._tx.rows(_CLOSED)
        }

    async def put_off(self, account: PspAccount, *, until: datetime) -> None:
        await self._tx.run(_PUT_OFF, {"account": account, "until": until})
