"""A PSP in memory that keeps honest records, and may say anything about them or nothing."""

from collections import Counter
from dataclasses import dataclass, field, replace

from chassis.kernel.money import Money
from services.payment.domain.facts import (
    AuthorizationLost,
    ChargebackState,
    RefundedElsewhere,
    TransactionSettled,
)
from services.payment.domain.values import Approved, Declined, NoAnswer, PspReference
from tests.unit.payment.facts import chargeback


@dataclass
class Intent:
    payment_id: object
    currency: str
    totals: Counter = field(default_factory=Counter)
    refunds: dict = field(default_factory=dict)
    dispute: object = None

    @property
    def capturable(self):
        return self.totals["authorization"] - self.totals["capture"] - self.totals["void"]

    @property
    def refundable(self):
        return self.totals["capture"] - self.totals["refund"] - self.totals["chargeback"]


class LyingPsp:
    """
    Attributes:
        fault: How it behaves from now on.
        facts: All that it may tell by webhook, and what it has told: it may do so again.
    """

    def __init__(self):
        self.fault = "ok"
        self.facts = []
        self.intents = {}
        self.done = {}
        self.disputes = 0

    def records(self, payment_id):
        totals = Counter()
        for intent in self.intents.values():
            if intent.payment_id == payment_id:
                totals += intent.totals
        kinds = ("authorization", "capture", "void", "refund", "chargeback")
        return {kind: totals[kind] for kind in kinds}

    async def authorize(self, requests):
        return {request.key: self._answer(request, self._authorize) for request in requests}

    async def increment(self, requests):
        return {request.key: self._answer(request, self._increment) for request in requests}

    async def capture(self, requests):
        return {request.key: self._answer(request, self._capture) for request in requests}

    async def void(self, requests):
        return {request.key: self._answer(request, self._void) for request in requests}

    async def refund(self, requests):
        return {request.key: self._answer(request, self._refund) for request in requests}

    def _answer(self, request, do):
        fault = self.fault
        if fault in ("down", "silent_before") and request.key not in self.done:
            return NoAnswer()
        if request.key not in self.done:
            self.done[request.key] = do(request, fault)
        answer = self.done[request.key]
        fact = TransactionSettled(
            payment_id=request.payment_id, transaction_id=request.key, answer=answer
        )
        self.facts.append(fact)
        return NoAnswer() if fault in ("down", "fails_after", "silent_after") else answer

    def _authorize(self, request, fault):
        reference = PspReference(f"pi_{request.key}")
        moved = request.amount.minor_units + (1 if fault == "wrong" else 0)
        intent = Intent(request.payment_id, request.amount.currency)
        intent.totals["authorization"] = moved
        self.intents[reference] = intent
        return Approved(reference, Money(moved, intent.currency))

    def _increment(self, request, fault):
        intent = self.intents[request.authorization]
        if not intent.capturable:
            return Declined("payment_intent_unexpected_state")
        before = intent.totals["authorization"]
        wanted = request.total.minor_units - before - (1 if fault == "wrong" else 0)
        if wanted <= 0:
            return Declined("amount_too_small")
        intent.totals["authorization"] += wanted
        return Approved(request.authorization, Money(wanted, intent.currency))

    def _capture(self, request, fault):
        intent = self.intents[request.authorization]
        asked = request.amount.minor_units
        if asked > intent.capturable:
            return Declined("amount_too_large")
        moved = asked + (1 if fault == "wrong" and asked < intent.capturable else 0)
        intent.totals["capture"] += moved
        return Approved(request.authorization, Money(moved, intent.currency))

    def _void(self, request, _fault):
        intent = self.intents[request.authorization]
        released = intent.capturable
        intent.totals["void"] += released
        # It may have let go of it by itself: then that is what it says.
        released = released or intent.totals["void"]
        return Approved(request.authorization, Money(released, intent.currency))

    def _refund(self, request, fault):
        intent = self.intents[request.authorization]
        asked = request.amount.minor_units
        if intent.dispute or asked > intent.refundable:
            return Declined("charge_disputed")
        moved = max(asked - 1, 1) if fault == "wrong" else asked
        intent.totals["refund"] += moved
        reference = PspReference(f"re_{request.key}")
        intent.refunds[request.key] = moved
        return Approved(reference, Money(moved, intent.currency))

    def dispute(self, payment_id):
        for reference, intent in self.intents.items():
            amount = intent.refundable
            if intent.payment_id == payment_id and not intent.dispute and amount > 0:
                self.disputes += 1
                intent.totals["chargeback"] += amount
                intent.dispute = chargeback(
                    Money(amount, intent.currency), id_=f"dp_{reference}", authorization=reference
                )
                self.facts.append(intent.dispute)

    def decide(self, payment_id, *, won):
        for intent in self.intents.values():
            dispute = intent.dispute
            if intent.payment_id == payment_id and dispute and not dispute.state.is_over:
                state = ChargebackState.WON if won else ChargebackState.LOST
                intent.dispute = replace(dispute, state=state)
                if won:
                    intent.totals["chargeback"] -= dispute.amount.minor_units
                self.facts.append(intent.dispute)

    def send_back_refund(self, payment_id):
        for intent in self.intents.values():
            if intent.payment_id == payment_id and intent.refunds:
                key, moved = intent.refunds.popitem()
                intent.totals["refund"] -= moved
                self.done[key] = Declined("account_closed")
                self.facts.append(
                    TransactionSettled(
                        payment_id=payment_id, transaction_id=key, answer=self.done[key]
                    )
                )

    def refund_elsewhere(self, payment_id):
        for reference, intent in self.intents.items():
            if intent.payment_id == payment_id and intent.refundable > 0 and not intent.dispute:
                intent.totals["refund"] += 1
                self.facts.append(
                    RefundedElsewhere(
                        authorization=reference,
                        refund=PspReference(f"re_office_{len(self.facts)}"),
                        amount=Money(1, intent.currency),
                    )
                )

    def expire(self, payment_id):
        for intent in self.intents.values():
            if intent.payment_id == payment_id and intent.capturable:
                intent.totals["void"] += intent.capturable
                self.facts.append(AuthorizationLost(payment_id=payment_id))
