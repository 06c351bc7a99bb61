"""The Chargeback entity: a dispute, as far as it has come, and what was said against it."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from chassis.kernel.errors import RuleViolated
from chassis.kernel.money import Money
from chassis.kernel.text import check_words
from services.payment.domain.facts import ChargebackState, ChargedBack
from services.payment.domain.values import (
    ChargebackId,
    Declined,
    MerchantId,
    NoAnswer,
    PaymentId,
    PspAccount,
)

MOST_TEXT = 20_000
MOST_TRACKING_NUMBER = 100

_ORDER = {
    ChargebackState.NEEDS_RESPONSE: 0,
    ChargebackState.UNDER_REVIEW: 1,
    ChargebackState.WON: 2,
    ChargebackState.LOST: 2,
}


class ChargebackClosed(RuleViolated):
    pass


class EvidenceOverdue(RuleViolated):
    pass


class EvidenceAlreadySubmitted(RuleViolated):
    pass


class EvidenceDeclined(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    What is said against a chargeback.

    Attributes:
        tracking_number: Of the parcel, if that is the point; else empty.
    """

    text: str
    tracking_number: str = ""

    def __post_init__(self) -> None:
        check_words(self.text, "text", least=1, most=MOST_TEXT)
        check_words(self.tracking_number, "tracking_number", most=MOST_TRACKING_NUMBER)

    @property
    def fingerprint(self) -> str:
        """
        The same for the same evidence, and tells nothing of it.
        """
        return sha256(json.dumps([self.text, self.tracking_number]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class EvidenceTaken:
    """
    The PSP has the evidence.
    """


# `NoAnswer`: nobody knows whether it has it.
EvidenceAnswer = EvidenceTaken | Declined | NoAnswer


@dataclass(kw_only=True, eq=False)
class Chargeback:
    """
    A dispute between the payer and the merchant, decided by the payer's bank.

    Attributes:
        account: Where it is disputed.
        reason: The PSP's word, such as "fraudulent".
        evidence_due_at: Until when evidence may be submitted; `None` if it may not.
        evidence: What is being submitted, until the PSP has it: from then on that is kept there.
        fingerprint: Of what is being submitted, or was; empty if nothing is.
        asked_at: When the PSP was to be told first.
        submitted_at: When the PSP was known to have it.
    """

    id: ChargebackId
    payment_id: PaymentId
    merchant: MerchantId
    account: PspAccount
    amount: Money
    reason: str
    state: ChargebackState
    opened_at: datetime
    evidence_due_at: datetime | None
    evidence: Evidence | None = None
    fingerprint: str = ""
    asked_at: datetime | None = None
    submitted_at: datetime | None = None

    def note(self, fact: ChargedBack) -> None:
        """
        Note how the dispute stands.

        Facts come late, twice and in any order: the state goes forward only and its end is its
        end; of two due dates the later one counts, as a bank may grant more time.
        """
        if _ORDER[fact.state] > _ORDER[self.state]:
            self.state = fact.state
        due_dates = [due for due in (self.evidence_due_at, fact.evidence_due_at) if due]
        self.evidence_due_at = max(due_dates, default=None)

    def submit(self, evidence: Evidence, *, now: datetime) -> None:
        """
        Write down that *evidence* is to be submitted, unless that was written down before.

        Raises:
            EvidenceAlreadySubmitted: Other evidence was, here or in the PSP's own office.
            ChargebackClosed: The bank has decided.
            EvidenceOverdue: It is too late, or none may be submitted.
        """
        if self.fingerprint == evidence.fingerprint:
            return
        if self.state.is_over:
            raise ChargebackClosed(f"chargeback {self.id} is {self.state.lower()}")
        if self.fingerprint or self.state is not ChargebackState.NEEDS_RESPONSE:
            raise EvidenceAlreadySubmitted(f"evidence for chargeback {self.id} was submitted")
        if self.evidence_due_at is None or now > self.evidence_due_at:
            raise EvidenceOverdue(f"it is too late for evidence for chargeback {self.id}")
        self.evidence, self.fingerprint, self.asked_at = evidence, evidence.fingerprint, now

    def note_taken(self, fingerprint: str, *, now: datetime) -> None:
        """
        Note that the PSP has the evidence with *fingerprint*: the bank decides now.
        """
        if self.fingerprint == fingerprint and self.submitted_at is None:
            self.submitted_at, self.evidence = now, None
            if self.state is ChargebackState.NEEDS_RESPONSE:
                self.state = ChargebackState.UNDER_REVIEW

    def note_declined(self, fingerprint: str) -> None:
        """
        Note that the PSP does not take the evidence with *fingerprint*, and never will: other
        evidence may be submitted.
        """
        if self.fingerprint == fingerprint and self.submitted_at is None:
            self.evidence, self.fingerprint, self.asked_at = None, "", None


def chargeback_of(
    fact: ChargedBack, *, payment_id: PaymentId, merchant: MerchantId, account: PspAccount
) -> Chargeback:
    """
    Return the chargeback that *fact* is the first to tell of.
    """
    return Chargeback(
        id=fact.chargeback_id,
        payment_id=payment_id,
        merchant=merchant,
        account=account,
        amount=fact.amount,
        reason=fact.reason,
        state=fact.state,
        opened_at=fact.opened_at,
        evidence_due_at=fact.evidence_due_at,
    )
