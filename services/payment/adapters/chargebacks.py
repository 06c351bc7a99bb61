"""Chargebacks, kept in PostgreSQL."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, TextClause, text

from chassis.kernel.money import Money
from chassis.storage.bulk import upsert_rows
from chassis.storage.database import Transaction
from services.payment.adapters.webhook_tables import CHARGEBACKS
from services.payment.application.chargebacks.ports import ChargebackNotFound, ChargebackQuery
from services.payment.domain.chargeback import Chargeback, Evidence
from services.payment.domain.facts import ChargebackState
from services.payment.domain.values import ChargebackId, MerchantId, PaymentId, PspAccount

# Well above what any answer takes: whoever asked first should not be asked after.
PATIENCE = timedelta(seconds=5)
MOST_PATIENCE = timedelta(minutes=5)

_SELECT = text("SELECT * FROM chargebacks WHERE id = :id")
# In one global order, so that two batches never wait for each other in a circle.
_LOCK = text(
    """
    SELECT * FROM chargebacks WHERE id = ANY(CAST(:ids AS text[]))
    ORDER BY id FOR NO KEY UPDATE
    """
)
_CLAIM_UNSUBMITTED = text(
    """
    UPDATE chargebacks SET
        attempts = attempts + 1,
        ask_again_at = CAST(:now AS timestamptz) + least(
            CAST(:patience AS interval) * power(2, least(attempts, 20)),
            CAST(:most_patience AS interval)
        )
    -- An array is made once; an IN may be looked up anew for every row, past its limit.
    WHERE id = ANY(ARRAY(
        SELECT id FROM chargebacks
        WHERE evidence IS NOT NULL AND ask_again_at <= CAST(:now AS timestamptz)
        ORDER BY ask_again_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    ))
    RETURNING *
    """
)
_CLAIM_DUE = text(
    """
    UPDATE chargebacks SET warned_at = now()
    WHERE id = ANY(ARRAY(
        SELECT id FROM chargebacks
        WHERE state = 'NEEDS_RESPONSE' AND warned_at IS NULL AND evidence IS NULL
            AND evidence_due_at < :due_before
        ORDER BY evidence_due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    ))
    RETURNING *
    """
)

_OPEN = "state IN ('NEEDS_RESPONSE', 'UNDER_REVIEW')"
_BACKLOG = text(
    f"""
    SELECT count(*) AS undecided, count(*) FILTER (
        WHERE state = 'NEEDS_RESPONSE' AND evidence IS NULL AND evidence_due_at < :due_before
    ) AS due
    FROM chargebacks WHERE {_OPEN}
    """
)
_DUE = "coalesce(evidence_due_at, 'infinity')"


class SqlChargebacks:
    """
    The chargebacks of one transaction.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, chargeback_id: ChargebackId) -> Chargeback:
        rows = await self._tx.rows(_SELECT, {"id": chargeback_id})
        if not rows:
            raise ChargebackNotFound(f"there is no chargeback {chargeback_id}")
        return chargeback_from_row(rows[0])

    async def open(self, ids: Collection[ChargebackId]) -> dict[ChargebackId, Chargeback]:
        rows = await self._tx.rows(_LOCK, {"ids": list(ids)})
        return {ChargebackId(row.id): chargeback_from_row(row) for row in rows}

    async def list(self, query: ChargebackQuery) -> Sequence[Chargeback]:
        statement, parameters = listing(query)
        return [chargeback_from_row(row) for row in await self._tx.rows(statement, parameters)]

    async def claim_unsubmitted(self, *, limit: int, now: datetime) -> Sequence[Chargeback]:
        patience = {"patience": PATIENCE, "most_patience": MOST_PATIENCE}
        rows = await self._tx.rows(_CLAIM_UNSUBMITTED, {"limit": limit, "now": now, **patience})
        return [chargeback_from_row(row) for row in rows]

    async def claim_due(self, *, due_before: datetime, limit: int) -> Sequence[Chargeback]:
        rows = await self._tx.rows(_CLAIM_DUE, {"due_before": due_before, "limit": limit})
        return [chargeback_from_row(row) for row in rows]

    async def backlog(self, *, due_before: datetime) -> tuple[int, int]:
        (row,) = await self._tx.rows(_BACKLOG, {"due_before": due_before})
        return row.undecided, row.due

    async def save(self, chargebacks: Iterable[Chargeback]) -> None:
        rows = [row_from_chargeback(each) for each in chargebacks]
        await upsert_rows(self._tx, CHARGEBACKS, rows, key=["id"])


def listing(query: ChargebackQuery) -> tuple[TextClause, Mapping[str, Any]]:
    """
    Return the statement that *query* means, and its parameters.
    """
    wanted = [_OPEN if query.state is None else "state = :state"]
    parameters: dict[str, Any] = {"limit": query.limit}
    if query.state:
        parameters["state"] = query.state
    if query.payment_id:
        wanted.append("payment_id = :payment_id")
        parameters["payment_id"] = query.payment_id
    if query.after:
        due, id_ = query.after
        wanted.append(f"({_DUE}, id) > (coalesce(CAST(:due AS timestamptz), 'infinity'), :after)")
        parameters |= {"due": due, "after": id_}
    where = " AND ".join(wanted)
    return text(
        f"SELECT * FROM chargebacks WHERE {where} ORDER BY {_DUE}, id LIMIT :limit"
    ), parameters


def chargeback_from_row(row: Row[Any]) -> Chargeback:
    return Chargeback(
        id=ChargebackId(row.id),
        payment_id=PaymentId(row.payment_id),
        merchant=MerchantId(row.merchant),
        account=PspAccount(row.account),
        amount=Money(row.amount, row.currency),
        reason=row.reason,
        state=ChargebackState(row.state),
        opened_at=row.opened_at,
        evidence_due_at=row.evidence_due_at,
        evidence=Evidence(text=row.evidence, tracking_number=row.tracking_number)
        if row.evidence
        else None,
        fingerprint=row.fingerprint,
        asked_at=row.asked_at,
        submitted_at=row.submitted_at,
    )


def row_from_chargeback(chargeback: Chargeback) -> Mapping[str, Any]:
    evidence = chargeback.evidence
    return {
        "id": chargeback.id,
        "payment_id": chargeback.payment_id,
        "merchant": chargeback.merchant.text,
        "account": chargeback.account,
        "amount": chargeback.amount.minor_units,
        "currency": chargeback.amount.currency,
        "reason": chargeback.reason,
        "state": chargeback.state,
        "opened_at": chargeback.opened_at,
        "evidence_due_at": chargeback.evidence_due_at,
        "evidence": evidence.text if evidence else None,
        "tracking_number": evidence.tracking_number if evidence else None,
        "fingerprint": chargeback.fingerprint,
        "asked_at": chargeback.asked_at,
        "submitted_at": chargeback.submitted_at,
        "ask_again_at": chargeback.asked_at + PATIENCE if chargeback.asked_at else None,
    }
