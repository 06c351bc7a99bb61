"""Payments, kept in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from chassis.events.outbox import Outbox
from chassis.storage.aggregates import save_aggregates
from chassis.storage.bulk import insert_rows, update_rows
from chassis.storage.database import Transaction
from chassis.telemetry.tracing import trace_for
from services.payment.adapters.payment_rows import (
    PATIENCE,
    outcome_row,
    payment_from_rows,
    row_from_payment,
    row_from_transaction,
)
from services.payment.adapters.tables import PAYMENT_TRANSACTIONS, PAYMENTS
from services.payment.application.ports import PaymentNotFound
from services.payment.domain.payment import Payment
from services.payment.domain.transaction import PaymentTransaction
from services.payment.domain.values import (
    PaymentId,
    PspReference,
    TransactionId,
)
from services.payment.wire.events import event_to_wire

MOST_PATIENCE = timedelta(minutes=5)

_PAYMENTS = "SELECT * FROM payments WHERE id = ANY(CAST(:ids AS uuid[]))"
_SELECT = text(_PAYMENTS)
# In one global order, so that two batches never wait for each other in a circle.
_LOCK = text(f"{_PAYMENTS} ORDER BY id FOR NO KEY UPDATE")
# A statement of its own, after the lock: it then sees what the lock's former holder has written.
_TRANSACTIONS = text(
    """
    SELECT * FROM payment_transactions WHERE payment_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY requested_at, id
    """
)
_IDS = text(
    """
    SELECT psp_reference, payment_id FROM payment_transactions
    WHERE psp_reference = ANY(CAST(:references AS text[]))
        AND kind = 'AUTHORIZATION' AND request_id = '' AND psp_reference <> ''
    """
)
_EXPIRED = text(
    "SELECT id FROM payments WHERE close_at <= CAST(:now AS timestamptz) ORDER BY close_at LIMIT :n"
)
_CLAIM = text(
    """
    UPDATE payment_transactions SET
        attempts = attempts + 1,
        ask_again_at = CAST(:now AS timestamptz) + least(
            CAST(:patience AS interval) * power(2, least(attempts, 20)),
            CAST(:most_patience AS interval)
        )
    -- An array is made once; an IN may be looked up anew for every row, past its limit.
    WHERE id = ANY(ARRAY(
        SELECT id FROM payment_transactions
        WHERE state IN ('REQUESTED', 'UNKNOWN') AND ask_again_at <= CAST(:now AS timestamptz)
        ORDER BY ask_again_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ))
    RETURNING payment_id
    """
)


# What of a payment can change: as it was when it was read.
Known = tuple[bool, datetime | None, dict[TransactionId, PaymentTransaction]]
UNKNOWN: Known = (False, None, {})


class SqlPayments:
    """
    Saves payments and their events together, or neither. Every change of a payment is a change
    of one of its transactions or its closing: those that have neither are not written.
    """

    def __init__(self, tx: Transaction, outbox: Outbox) -> None:
        self._tx = tx
        self._outbox = outbox
        self._found: dict[PaymentId, Known] = {}

    async def get(self, payment_id: PaymentId) -> Payment:
        found = await self._payments(await self._tx.rows(_SELECT, {"ids": [payment_id]}))
        if payment_id not in found:
            raise PaymentNotFound(f"there is no payment {payment_id}")
        return found[payment_id]

    async def open(self, payment_ids: Collection[PaymentId]) -> dict[PaymentId, Payment]:
        found = await self._payments(await self._tx.rows(_LOCK, {"ids": list(payment_ids)}))
        # In the order of ids again: the rows of new ones are locked as they are inserted.
        return {id_: found.get(id_) or new_payment(id_) for id_ in sorted(payment_ids)}

    async def claim_unsettled(self, *, limit: int, now: datetime) -> Sequence[Payment]:
        patience = {"patience": PATIENCE, "most_patience": MOST_PATIENCE}
        claimed = await self._tx.rows(_CLAIM, {"limit": limit, "now": now, **patience})
        if not claimed:
            return []
        ids = {row.payment_id for row in claimed}
        found = await self._payments(await self._tx.rows(_SELECT, {"ids": list(ids)}))
        return list(found.values())

    async def ids_of(
        self, references: Collection[PspReference]
    ) -> Mapping[PspReference, PaymentId]:
        rows = await self._tx.rows(_IDS, {"references": list(references)})
        return {row.psp_reference: row.payment_id for row in rows}

    async def expired(self, *, limit: int, now: datetime) -> Sequence[PaymentId]:
        return [row.id for row in await self._tx.rows(_EXPIRED, {"n": limit, "now": now})]

    async def save(self, payments: Iterable[Payment]) -> None:
        changed = [payment for payment in payments if self._has_changed(payment)]
        if not changed:
            return
        for payment in changed:
            self._outbox.tell(payment, event_to_wire)
        await save_aggregates(self._tx, PAYMENTS, changed, row_from_payment)
        await self._save_transactions(changed)

    async def _save_transactions(self, payments: Sequence[Payment]) -> None:
        new: list[Mapping[str, Any]] = []
        settled: list[Mapping[str, Any]] = []
        for payment in payments:
            *_, known = self._found.get(payment.id, UNKNOWN)
            for transaction in payment.transactions.values():
                if transaction.id not in known:
                    new.append(row_from_transaction(payment.id, transaction))
                elif transaction != known[transaction.id]:
                    settled.append(outcome_row(transaction))
        await insert_rows(self._tx, PAYMENT_TRANSACTIONS, new)
        await update_rows(self._tx, PAYMENT_TRANSACTIONS, settled, key=["id"])

    async def _payments(self, rows: Sequence[Row[Any]]) -> dict[PaymentId, Payment]:
        if not rows:
            return {}
        children: defaultdict[PaymentId, list[Row[Any]]] = defaultdict(list)
        for row in await self._tx.rows(_TRANSACTIONS, {"ids": [row.id for row in rows]}):
            children[row.payment_id].append(row)
        found = {row.id: payment_from_rows(row, children[row.id]) for row in rows}
        for payment in found.values():
            self._found[payment.id] = (
                payment.closed,
                payment.expires_at,
                dict(payment.transactions),
            )
        return found

    def _has_changed(self, payment: Payment) -> bool:
        known = self._found.get(payment.id, UNKNOWN)
        return known != (payment.closed, payment.expires_at, payment.transactions)


def new_payment(payment_id: PaymentId) -> Payment:
    return Payment(id=payment_id, trace=trace_for(payment_id))
