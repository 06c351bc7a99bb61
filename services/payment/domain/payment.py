"""
The Payment aggregate: what the PSP's answers mean, whoever brings them.

A transaction is settled by whichever answer comes first, the client's or the webhook's; settling it
again changes nothing. Only a refund may fail after it had succeeded: the payer's bank sent it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from chassis.kernel.errors import Conflict
from chassis.kernel.money import Money
from services.payment.domain import events
from services.payment.domain.facts import ChargebackState, ChargedBack, RefundedElsewhere
from services.payment.domain.ledger import EntryKind, JournalEntry, entry_of
from services.payment.domain.payment_requests import PaymentRequests
from services.payment.domain.transaction import PaymentTransaction
from services.payment.domain.values import (
    NOTHING_MOVED,
    WRONG_AMOUNT,
    Approved,
    CaptureId,
    Declined,
    IncrementId,
    NoAnswer,
    PaymentId,
    PspAnswer,
    RequestId,
    TransactionId,
    TransactionKind,
    TransactionState,
)


class NotExplained(Conflict):
    """
    The PSP tells of something that cannot be yet, as what it follows from is not known here. Told
    again later it may.
    """


_BOOKED = {TransactionKind.CAPTURE: EntryKind.CAPTURE, TransactionKind.REFUND: EntryKind.REFUND}


@dataclass(kw_only=True, eq=False)
class Payment(PaymentRequests):
    """
    The money of one order.
    """

    id: PaymentId

    def settle(
        self, transaction_id: TransactionId, answer: PspAnswer, *, now: datetime
    ) -> Sequence[JournalEntry]:
        """
        Note what the PSP answered, and return what that does to the books.

        The first answer about a transaction stands, but for a refund that succeeded and then
        failed. A PSP that says it moved more than there was is not believed: that stays unknown.
        """
        asked = self.transactions[transaction_id]
        entries: list[JournalEntry] = []
        if asked.kind is TransactionKind.AUTHORIZATION and isinstance(answer, Approved):
            # Whoever told of it first may not have known until when.
            self.expires_at = answer.expires_at or self.expires_at
        undone = answer.undone if isinstance(answer, Declined) else None
        if asked.is_open:
            entries += self._settle(asked, self._measured(asked, undone or answer), now=now)
            asked = self.transactions[transaction_id]
        came_back = asked.kind is TransactionKind.REFUND and asked.has_succeeded
        if came_back and isinstance(answer, Declined):
            entries += self._undo(asked, answer.reason, EntryKind.REFUND_REVERSAL, now=now)
            self._tell_refund_failed(asked, answer.reason)
        self._give_back(now=now)
        return entries

    def note_refund(self, fact: RefundedElsewhere, *, now: datetime) -> Sequence[JournalEntry]:
        """
        Note a refund that was made, or failed, at the PSP without being asked for here.

        Raises:
            NotExplained: More is paid back than was taken, as far as is known here.
        """
        request_id = RequestId(fact.refund)
        known = self.transaction(TransactionKind.REFUND, request_id)
        too_much = fact.amount.minor_units > self.refundable.minor_units
        if known is None and too_much and not fact.failed:
            raise NotExplained(f"refund {fact.refund} exceeds what payment {self.id} has taken")
        # One that failed is noted, too: that it was made may be told after that it failed.
        asked = known or self._request(
            TransactionKind.REFUND, fact.amount, request_id=request_id, now=now
        )
        made = Approved(fact.refund, fact.amount)
        undone = made if fact.came_back and not too_much else None
        answer = Declined("failed", undone) if fact.failed else made
        return self.settle(asked.id, answer, now=now)

    def charge_back(self, fact: ChargedBack, *, now: datetime) -> Sequence[JournalEntry]:
        """
        Note how a dispute stands: its amount is gone, and comes back if it is won. What was told
        before changes nothing, and neither does what comes after its end.
        """
        request_id = RequestId(fact.chargeback_id)
        entries: list[JournalEntry] = []
        known = self.transaction(TransactionKind.CHARGEBACK, request_id)
        if known is None:
            kind = TransactionKind.CHARGEBACK
            asked = self._request(
                kind, fact.amount, request_id=request_id, reason=fact.reason, now=now
            )
            known = self._succeed(asked, Approved(fact.authorization, fact.amount))
            entries.append(self._entry(EntryKind.CHARGEBACK, known, now=now))
            self._tell_chargeback(fact)
        if fact.state.is_over and not known.failure:
            entries += self._close_chargeback(known, fact, now=now)
        return entries

    def _close_chargeback(
        self, known: PaymentTransaction, fact: ChargedBack, *, now: datetime
    ) -> Sequence[JournalEntry]:
        won = fact.state is ChargebackState.WON
        entries: Sequence[JournalEntry] = ()
        if won:
            entries = self._undo(known, "won", EntryKind.CHARGEBACK_REVERSAL, now=now)
        else:
            self.transactions[known.id] = replace(known, failure="lost")
        self.record(
            events.ChargebackClosed(
                payment_id=self.id,
                chargeback_id=fact.chargeback_id,
                amount=known.amount,
                won=won,
            )
        )
        return entries

    def _settle(
        self, asked: PaymentTransaction, answer: PspAnswer, *, now: datetime
    ) -> Sequence[JournalEntry]:
        amount = asked.amount.minor_units
        match answer:
            case Approved() if self._is_possible(asked, answer.moved):
                done = self._succeed(asked, answer)
                self._record_success(done)
                if done.kind in _BOOKED:
                    return [self._entry(_BOOKED[done.kind], done, now=now)]
            case Declined(reason):
                failed = replace(asked, state=TransactionState.FAILED, failure=reason)
                self._replace(failed, self.total(asked.kind).fail(amount))
                self._record_failure(failed)
            case NoAnswer() | Approved():
                self.transactions[asked.id] = replace(asked, state=TransactionState.UNKNOWN)
        return ()

    def _measured(self, asked: PaymentTransaction, answer: PspAnswer) -> PspAnswer:
        """
        Return *answer* with what was moved, where the PSP tells a total: what it has grown by.
        That is the doing of *asked*, as one of a kind is asked at a time.
        """
        if not isinstance(answer, Approved) or answer.total is None:
            return answer
        moved = answer.total.minor_units - self.total(asked.kind).settled
        if not moved:
            return Declined(NOTHING_MOVED)
        return replace(answer, moved=Money(moved, answer.total.currency))

    def _is_possible(self, asked: PaymentTransaction, moved: Money) -> bool:
        limits = {
            TransactionKind.CAPTURE: TransactionKind.AUTHORIZATION,
            TransactionKind.REFUND: TransactionKind.CAPTURE,
        }
        if moved.currency != self.currency or moved.minor_units <= 0:
            return False
        if asked.kind not in limits:
            return True
        gone = self.total(asked.kind).settled
        if asked.kind is TransactionKind.CAPTURE:
            gone += self.total(TransactionKind.VOID).settled
        return gone + moved.minor_units <= self.total(limits[asked.kind]).settled

    def _succeed(self, asked: PaymentTransaction, answer: Approved) -> PaymentTransaction:
        is_wrong = asked.kind is TransactionKind.AUTHORIZATION and answer.moved != asked.amount
        done = replace(
            asked,
            state=TransactionState.SUCCEEDED,
            reference=answer.reference,
            moved=answer.moved,
            failure=WRONG_AMOUNT if is_wrong and not asked.is_increment else "",
        )
        self._replace(
            done,
            self.total(asked.kind).succeed(
                asked.amount.minor_units, moved=answer.moved.minor_units
            ),
        )
        if asked.kind is TransactionKind.AUTHORIZATION:
            # Nobody can work with it: it goes back, whole.
            self.closed = self.closed or bool(done.failure)
        return done

    def _undo(
        self, done: PaymentTransaction, failure: str, kind: EntryKind, *, now: datetime
    ) -> Sequence[JournalEntry]:
        undone = replace(done, state=TransactionState.FAILED, failure=failure)
        moved = (done.moved or done.amount).minor_units
        self._replace(undone, self.total(done.kind).undo(moved))
        return [self._entry(kind, done, now=now)]

    def _entry(self, kind: EntryKind, done: PaymentTransaction, *, now: datetime) -> JournalEntry:
        return entry_of(kind, done, payment_id=self.id, merchant=self.merchant, now=now)

    def _record_success(self, done: PaymentTransaction) -> None:
        moved = done.moved or done.amount
        match done.kind:
            case TransactionKind.AUTHORIZATION if done.failure:
                self._record_failure(done)
            case TransactionKind.AUTHORIZATION if done.is_increment:
                self.record(
                    events.AuthorizationIncremented(
                        payment_id=self.id,
                        increment_id=IncrementId(UUID(done.request_id)),
                        amount=moved,
                        total_authorized=self.settled(done.kind),
                    )
                )
            case TransactionKind.AUTHORIZATION:
                self.record(events.PaymentAuthorized(payment_id=self.id, amount=moved))
            case TransactionKind.CAPTURE:
                self.record(
                    events.PaymentCaptured(
                        payment_id=self.id,
                        capture_id=CaptureId(UUID(done.request_id)),
                        amount=moved,
                        total_captured=self.settled(done.kind),
                    )
                )
            case TransactionKind.VOID:
                self.record(
                    events.PaymentVoided(payment_id=self.id, amount=moved, expired=self.expired)
                )
            case TransactionKind.REFUND:
                self.record(
                    events.PaymentRefunded(
                        payment_id=self.id,
                        refund_id=done.request_id,
                        amount=moved,
                        total_refunded=self.settled(done.kind),
                    )
                )

    def _record_failure(self, failed: PaymentTransaction) -> None:
        if failed.kind is TransactionKind.AUTHORIZATION and not failed.is_increment:
            self.record(
                events.PaymentDeclined(
                    payment_id=self.id, amount=failed.amount, reason=failed.failure
                )
            )
        elif failed.kind is TransactionKind.REFUND:
            self._tell_refund_failed(failed, failed.failure)

    def _tell_refund_failed(self, failed: PaymentTransaction, reason: str) -> None:
        self.record(
            events.RefundFailed(
                payment_id=self.id,
                refund_id=failed.request_id,
                amount=failed.moved or failed.amount,
                total_refunded=self.settled(TransactionKind.REFUND),
                reason=reason,
            )
        )

    def _tell_chargeback(self, fact: ChargedBack) -> None:
        self.record(
            events.ChargebackReceived(
                payment_id=self.id,
                chargeback_id=fact.chargeback_id,
                amount=fact.amount,
                reason=fact.reason,
                evidence_due_at=fact.evidence_due_at,
            )
        )
