"""Ask Stripe to pay back what it has taken."""

from dataclasses import dataclass
from typing import Any

from services.payment.adapters.stripe import marks
from services.payment.adapters.stripe.amounts import amount_of, money_of
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.adapters.stripe.intents import Object
from services.payment.adapters.stripe.replies import Verdict, verdict_on
from services.payment.application.ports import FollowUpRequest
from services.payment.domain.values import (
    Approved,
    Declined,
    NoAnswer,
    PspAnswer,
    PspReference,
    TransactionId,
)


def refund_answer(refund: Object) -> PspAnswer:
    """
    Return what became of a refund: it may be on its way, and it may fail after it had arrived.
    """
    match refund["status"]:
        case "succeeded":
            return _made(refund)
        case "failed" | "canceled":
            return Declined(
                refund.get("failure_reason") or f"refund_{refund['status']}",
                # The balance has changed twice, though nothing has arrived.
                undone=_made(refund) if refund.get("failure_balance_transaction") else None,
            )
        case _:
            return NoAnswer()


def _made(refund: Object) -> Approved:
    moved = money_of(refund["amount"], refund["currency"])
    return Approved(reference=PspReference(refund["id"]), moved=moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    account: StripeAccount
    request: FollowUpRequest

    looks_at_once = True

    @property
    def key(self) -> TransactionId:
        return self.request.key

    async def ask(self, idempotency_key: str) -> Verdict:
        metadata = {
            marks.PAYMENT: str(self.request.payment_id),
            marks.TRANSACTION: str(self.key),
        }
        if self.request.reason:
            # Stripe's own `reason` is one of three words.
            metadata[marks.REASON] = self.request.reason
        params: dict[str, Any] = {
            "payment_intent": self.request.authorization,
            "amount": amount_of(self.request.amount),
            "metadata": metadata,
        }
        reply = await self.account.refund(params, key=idempotency_key)
        if reply.is_success and reply.replayed:
            # As it was then; it may have moved on.
            reply = await self.account.refund_as_it_is(reply.body["id"])
        return verdict_on(reply, refund_answer)

    async def look(self) -> PspAnswer | None:
        async for page in self.account.refunds_of(self.request.authorization):
            if not page.is_success:
                return NoAnswer()
            for refund in page.body["data"]:
                if marks.transaction_in(refund.get("metadata") or {}, marks.TRANSACTION) == (
                    self.key
                ):
                    return refund_answer(refund)
        return None
