"""Payments, kept in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from chassis.events.outbox import Outbox
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.storage.aggregates import save_aggregates
from chassis.storage.bulk import insert_rows, update_rows
from chassis.storage.database import Transaction
from chassis.telemetry.tracing import trace_for
from services.payment.adapters.tables import PAYMENT_TRANSACTIONS, PAYMENTS
from services.payment.application.ports import PaymentNotFound
from services.payment.domain.payment import Payment
from services.payment.domain.transaction import PaymentTransaction, Total
from services.payment.domain.values import (
    CaptureId,
    PaymentId,
    PspReference,
    TransactionId,
    TransactionKind,
    TransactionState,
)
from services.payment.wire import event_to_wire

# Well above what any answer takes: whoever asked first should not be asked after.
PATIENCE = timedelta(seconds=5)
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


class SqlPayments:
    """
    Saves payments and their events together, or neither. Every change of a payment is a change
    of one of its transactions or its closing: those that have neither are not written.
    """

    def __init__(self, tx: Transaction, outbox: Outbox) -> None:
        self._tx = tx
        self._outbox = outbox
        self._found: dict[PaymentId, tuple[bool, dict[TransactionId, PaymentTransaction]]] = {}

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
            _, known = self._found.get(payment.id, (False, {}))
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
            self._found[payment.id] = (payment.closed, dict(payment.transactions))
        return found

    def _has_changed(self, payment: Payment) -> bool:
        known = self._found.get(payment.id, (False, {}))
        return known != (payment.closed, payment.transactions)


def new_payment(payment_id: PaymentId) -> Payment:
    return Payment(id=payment_id, trace=trace_for(payment_id))


def payment_from_rows(row: Row[Any], transactions: Sequence[Row[Any]]) -> Payment:
    return Payment(
        id=PaymentId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        currency=row.currency,
        psp_token=PspToken(row.psp_token) if row.psp_token else None,
        closed=row.closed,
        totals={
            TransactionKind.AUTHORIZATION: Total(row.authorized, row.authorized_pending),
            TransactionKind.CAPTURE: Total(row.captured, row.captured_pending),
            TransactionKind.VOID: Total(row.voided, row.voided_pending),
            TransactionKind.REFUND: Total(row.refunded, row.refunded_pending),
        },
        transactions={
            TransactionId(child.id): transaction_from_row(child, row.currency)
            for child in transactions
        },
    )


def transaction_from_row(row: Row[Any], currency: str) -> PaymentTransaction:
    return PaymentTransaction(
        id=TransactionId(row.id),
        kind=TransactionKind(row.kind),
        state=TransactionState(row.state),
        amount=Money(row.amount, currency),
        shipping=Money(row.shipping, currency),
        capture_id=CaptureId(row.capture_id) if row.capture_id else None,
        reference=PspReference(row.psp_reference),
        failure=row.failure,
        requested_at=row.requested_at,
    )


def row_from_payment(payment: Payment) -> Mapping[str, Any]:
    authorized = payment.total(TransactionKind.AUTHORIZATION)
    captured = payment.total(TransactionKind.CAPTURE)
    voided = payment.total(TransactionKind.VOID)
    refunded = payment.total(TransactionKind.REFUND)
    return {
        "id": payment.id,
        "version": payment.version,
        "event_count": payment.event_count,
        "trace": payment.trace,
        "currency": payment.currency,
        "psp_token": payment.psp_token.text if payment.psp_token else None,
        "closed": payment.closed,
        "authorized": authorized.settled,
        "authorized_pending": authorized.pending,
        "captured": captured.settled,
        "captured_pending": captured.pending,
        "voided": voided.settled,
        "voided_pending": voided.pending,
        "refunded": refunded.settled,
        "refunded_pending": refunded.pending,
    }


def row_from_transaction(
    payment_id: PaymentId, transaction: PaymentTransaction
) -> Mapping[str, Any]:
    return {
        **outcome_row(transaction),
        "payment_id": payment_id,
        "kind": transaction.kind,
        "amount": transaction.amount.minor_units,
        "shipping": transaction.shipping.minor_units,
        "capture_id": transaction.capture_id,
        "requested_at": transaction.requested_at,
        "ask_again_at": transaction.requested_at + PATIENCE,
    }


def outcome_row(transaction: PaymentTransaction) -> Mapping[str, Any]:
    return {
        "id": transaction.id,
        "state": transaction.state,
        "psp_reference": transaction.reference,
        "failure": transaction.failure,
    }
