"""Records as the objects of Stripe's API."""

from collections.abc import Collection, Mapping
from typing import Any

from deploy.psp.records import (
    REQUIRES_ACTION,
    REQUIRES_PAYMENT_METHOD,
    SUCCEEDED,
    Dispute,
    Movement,
    Payment,
    Refund,
)
from deploy.psp.refusals import Declined

API_VERSION = "2026-10-28.endive"

Object = dict[str, Any]
NOTHING: Collection[str] = frozenset()

# How the public objects call why a balance has changed.
MOVEMENT_TYPES = {
    "charge": "charge",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "dispute": "adjustment",
    "dispute_reversal": "adjustment",
    "payout": "payout",
}


def payment_object(payment: Payment, expand: Collection[str] = NOTHING) -> Object:
    has_charge = payment.status != REQUIRES_ACTION
    charge = charge_object(payment) if "latest_charge" in expand else payment.charge_id
    return {
        "id": payment.id,
        "object": "payment_intent",
        "amount": payment.amount,
        "amount_capturable": payment.capturable,
        "amount_received": payment.captured,
        "canceled_at": payment.canceled_at,
        "cancellation_reason": payment.cancellation_reason or None,
        "capture_method": "manual",
        "client_secret": f"{payment.id}_secret_{payment.id[-12:]}",
        "confirmation_method": "automatic",
        "created": payment.created,
        "currency": payment.currency.lower(),
        "customer": None,
        "description": payment.description or None,
        "last_payment_error": last_error(payment),
        "latest_charge": charge if has_charge else None,
        "livemode": False,
        "metadata": payment.metadata,
        "next_action": {"type": "use_stripe_sdk"} if payment.status == REQUIRES_ACTION else None,
        "payment_method": None
        if payment.status == REQUIRES_PAYMENT_METHOD
        else payment.payment_method,
        "payment_method_options": {
            "card": {
                "request_incremental_authorization": _asked(payment.incremental),
                "request_multicapture": _asked(payment.multicapture),
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "status": payment.status,
    }


def _asked(available: bool) -> str | None:
    return "if_available" if available else None


def last_error(payment: Payment) -> Object | None:
    if not payment.failure:
        return None
    return Declined(payment.failure, more={"charge": payment.charge_id}).error


def charge_object(payment: Payment, expand: Collection[str] = NOTHING) -> Object:
    intent = payment_object(payment) if "payment_intent" in expand else payment.id
    failed = payment.status == REQUIRES_PAYMENT_METHOD or bool(payment.failure)
    return {
        "id": payment.charge_id,
        "object": "charge",
        "amount": payment.amount,
        "amount_captured": payment.captured,
        "amount_refunded": payment.refunded,
        "balance_transaction": payment.movement_id or None,
        "captured": payment.status == SUCCEEDED,
        "created": payment.created,
        "currency": payment.currency.lower(),
        "customer": None,
        "description": payment.description or None,
        "disputed": payment.disputed > 0,
        "failure_code": "card_declined" if failed else None,
        "failure_message": last_error(payment)["message"] if failed else None,  # type: ignore[index]
        "livemode": False,
        "metadata": payment.metadata,
        "outcome": {
            "network_status": "declined_by_network" if failed else "approved_by_network",
            "reason": payment.failure or None,
            "type": "issuer_declined" if failed else "authorized",
        },
        "paid": not failed,
        "payment_intent": intent,
        "payment_method": payment.payment_method,
        "payment_method_details": {"card": card_details(payment), "type": "card"},
        "refunded": 0 < payment.captured == payment.refunded,
        "status": "failed" if failed else "succeeded",
    }


def card_details(payment: Payment) -> Object:
    return {
        "amount_authorized": payment.amount,
        "brand": "visa",
        "capture_before": payment.expires_at,
        "country": "US",
        "exp_month": 12,
        "exp_year": 2040,
        "funding": "credit",
        "incremental_authorization": {"status": _status(payment.incremental)},
        "last4": "4242",
        "multicapture": {"status": _status(payment.multicapture)},
        "network": "visa",
        "overcapture": {
            "maximum_amount_capturable": payment.capturable,
            "status": "unavailable",
        },
    }


def _status(available: bool) -> str:
    return "available" if available else "unavailable"


def refund_object(refund: Refund, expanded: Mapping[str, Object] = {}) -> Object:
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": refund.movement_id or None,
        "charge": expanded.get("charge", f"ch_{refund.payment.removeprefix('pi_')}"),
        "created": refund.created,
        "currency": refund.currency.lower(),
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        **(
            {
                "failure_balance_transaction": refund.failure_movement_id,
                "failure_reason": refund.failure_reason,
            }
            if refund.status == "failed"
            else {}
        ),
        "metadata": refund.metadata,
        "payment_intent": expanded.get("payment_intent", refund.payment),
        "reason": refund.reason or None,
        "receipt_number": None,
        "status": refund.status,
    }


def dispute_object(dispute: Dispute, movements: Collection[Movement] = ()) -> Object:
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [movement_object(movement) for movement in movements],
        "charge": f"ch_{dispute.payment.removeprefix('pi_')}",
        "created": dispute.created,
        "currency": dispute.currency.lower(),
        "evidence": dispute.evidence,
        "evidence_details": {
            "due_by": dispute.due_by,
            "has_evidence": bool(dispute.evidence),
            "past_due": False,
            "submission_count": dispute.submissions,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": dispute.metadata,
        "payment_intent": dispute.payment,
        "reason": dispute.reason,
        "status": dispute.status,
    }


def movement_object(movement: Movement, source: Object | None = None) -> Object:
    fees = (
        [
            {
                "amount": movement.fee,
                "application": None,
                "currency": movement.currency.lower(),
                "description": "Processing fees",
                "type": "stripe_fee",
            }
        ]
        if movement.fee
        else []
    )
    return {
        "id": movement.id,
        "object": "balance_transaction",
        "amount": movement.amount,
        "available_on": movement.created,
        "created": movement.created,
        "currency": movement.currency.lower(),
        "description": None,
        "exchange_rate": None,
        "fee": movement.fee,
        "fee_details": fees,
        "net": movement.net,
        "reporting_category": movement.category,
        "source": source or movement.source,
        "status": "available",
        "type": MOVEMENT_TYPES[movement.category],
    }


def page_object(url: str, objects: list[Object], *, more: bool) -> Object:
    return {"object": "list", "data": objects, "has_more": more, "url": url}
