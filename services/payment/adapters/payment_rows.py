"""Payments as rows, and back."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.domain.payment import Payment
from services.payment.domain.transaction import PaymentTransaction, Total
from services.payment.domain.values import (
    MerchantId,
    PaymentId,
    PspAccount,
    PspReference,
    RequestId,
    TransactionId,
    TransactionKind,
    TransactionState,
)

# Well above what any answer takes: whoever asked first should not be asked after.
PATIENCE = timedelta(seconds=5)


def payment_from_rows(row: Row[Any], transactions: Sequence[Row[Any]]) -> Payment:
    return Payment(
        id=PaymentId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        currency=row.currency,
        merchant=MerchantId(row.merchant),
        psp_account=PspAccount(row.psp_account),
        psp_token=PspToken(row.psp_token) if row.psp_token else None,
        closed=row.closed,
        expired=row.expired,
        expires_at=row.expires_at,
        totals={
            TransactionKind.AUTHORIZATION: Total(row.authorized, row.authorized_pending),
            TransactionKind.CAPTURE: Total(row.captured, row.captured_pending),
            TransactionKind.VOID: Total(row.voided, row.voided_pending),
            TransactionKind.REFUND: Total(row.refunded, row.refunded_pending),
            TransactionKind.CHARGEBACK: Total(row.charged_back),
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
        moved=None if row.moved is None else Money(row.moved, currency),
        request_id=RequestId(row.request_id),
        reason=row.reason,
        reference=PspReference(row.psp_reference),
        failure=row.failure,
        requested_at=row.requested_at,
    )


def row_from_payment(payment: Payment) -> Mapping[str, Any]:
    authorized = payment.total(TransactionKind.AUTHORIZATION)
    captured = payment.total(TransactionKind.CAPTURE)
    voided = payment.total(TransactionKind.VOID)
    refunded = payment.total(TransactionKind.REFUND)
    is_to_close = not payment.closed and payment.remaining.minor_units > 0
    return {
        "id": payment.id,
        "version": payment.version,
        "event_count": payment.event_count,
        "trace": payment.trace,
        "currency": payment.currency,
        "merchant": payment.merchant.text,
        "psp_account": payment.psp_account,
        "psp_token": payment.psp_token.text if payment.psp_token else None,
        "closed": payment.closed,
        "expired": payment.expired,
        "expires_at": payment.expires_at,
        "close_at": payment.expires_at if is_to_close else None,
        "authorized": authorized.settled,
        "authorized_pending": authorized.pending,
        "captured": captured.settled,
        "captured_pending": captured.pending,
        "voided": voided.settled,
        "voided_pending": voided.pending,
        "refunded": refunded.settled,
        "refunded_pending": refunded.pending,
        "charged_back": payment.total(TransactionKind.CHARGEBACK).settled,
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
        "request_id": transaction.request_id,
        "reason": transaction.reason,
        "requested_at": transaction.requested_at,
        "ask_again_at": transaction.requested_at + PATIENCE,
    }


def outcome_row(transaction: PaymentTransaction) -> Mapping[str, Any]:
    return {
        "id": transaction.id,
        "state": transaction.state,
        "psp_reference": transaction.reference,
        "moved": transaction.moved.minor_units if transaction.moved else None,
        "failure": transaction.failure,
    }
