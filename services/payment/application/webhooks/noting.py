"""What a batch of facts speaks of, locked, and what becomes of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.payment.application.ports import Transaction
from services.payment.application.webhooks.ports import Outcome
from services.payment.domain.chargeback import Chargeback, chargeback_of
from services.payment.domain.facts import (
    AuthorizationLost,
    ChargedBack,
    PspFact,
    RefundedElsewhere,
    TransactionSettled,
)
from services.payment.domain.ledger import JournalEntry
from services.payment.domain.payment import NotExplained, Payment
from services.payment.domain.values import ChargebackId, PaymentId, PspAccount, PspReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """
    Attributes:
        ids: Which payment a reference of the PSP's is the money of.
        entries: What is to be booked.
    """

    ids: Mapping[PspReference, PaymentId]
    payments: Mapping[PaymentId, Payment]
    chargebacks: dict[ChargebackId, Chargeback]
    entries: list[JournalEntry] = field(default_factory=list[JournalEntry])

    @classmethod
    async def begin(cls, facts: Iterable[PspFact], tx: Transaction) -> "Noting":
        """
        Lock what *facts* speak of.
        """
        named: set[PaymentId] = set()
        references: set[PspReference] = set()
        disputes: set[ChargebackId] = set()
        for fact in facts:
            match fact:
                case TransactionSettled() | AuthorizationLost():
                    named.add(fact.payment_id)
                case RefundedElsewhere():
                    references.add(fact.authorization)
                case ChargedBack():
                    references.add(fact.authorization)
                    disputes.add(fact.chargeback_id)
        ids = await tx.payments.ids_of(references) if references else {}
        named |= set(ids.values())
        # After the payments, whose lock keeps two from telling of one dispute first.
        return cls(
            ids=ids,
            payments=await tx.payments.open(named) if named else {},
            chargebacks=await tx.chargebacks.open(disputes) if disputes else {},
        )

    def note(self, fact: PspFact, account: PspAccount, *, now: datetime) -> Outcome:
        """
        Apply *fact*, which *account* tells.

        Raises:
            NotExplained: What it follows from is not known here yet.
        """
        payment = self._payment_of(fact)
        # One account's secret says nothing of another's payments.
        if payment.authorization is None or payment.psp_account != account:
            return Outcome.FOREIGN
        match fact:
            case TransactionSettled():
                if fact.transaction_id not in payment.transactions:
                    # What is asked is written down before: somebody else asked this.
                    return Outcome.FOREIGN
                self.entries.extend(payment.settle(fact.transaction_id, fact.answer, now=now))
            case AuthorizationLost():
                if payment.authorization.is_open:
                    raise NotExplained(f"payment {payment.id} has no authorization to lose yet")
                payment.expire(now=now)
            case RefundedElsewhere():
                self._must_be_in_currency(fact, payment)
                self.entries.extend(payment.note_refund(fact, now=now))
            case ChargedBack():
                self._must_be_in_currency(fact, payment)
                self._note_chargeback(fact, payment, now=now)
        return Outcome.NOTED

    async def save(self, tx: Transaction) -> None:
        await tx.payments.save(self.payments.values())
        await tx.chargebacks.save(self.chargebacks.values())
        # Last, as this locks the balances that it moves.
        await tx.ledger.book(self.entries)

    def _payment_of(self, fact: PspFact) -> Payment:
        match fact:
            case TransactionSettled() | AuthorizationLost():
                return self.payments[fact.payment_id]
            case RefundedElsewhere() | ChargedBack():
                if fact.authorization not in self.ids:
                    raise NotExplained(f"no payment is known as {fact.authorization}")
                return self.payments[self.ids[fact.authorization]]

    def _must_be_in_currency(self, fact: RefundedElsewhere | ChargedBack, payment: Payment) -> None:
        if fact.amount.currency != payment.currency:
            raise NotExplained(
                f"payment {payment.id} is in {payment.currency}, not {fact.amount.currency}"
            )

    def _note_chargeback(self, fact: ChargedBack, payment: Payment, *, now: datetime) -> None:
        known = self.chargebacks.get(fact.chargeback_id)
        if known and known.payment_id != payment.id:
            raise NotExplained(f"{fact.chargeback_id} is about payment {known.payment_id}")
        self.entries.extend(payment.charge_back(fact, now=now))
        if known:
            known.note(fact)
        else:
            self.chargebacks[fact.chargeback_id] = chargeback_of(
                fact,
                payment_id=payment.id,
                merchant=payment.merchant,
                account=payment.psp_account,
            )
