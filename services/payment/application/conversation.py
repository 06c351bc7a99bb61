"""
The conversation with the PSP, which every verb holds in the same three steps:

    PREPARE   one short transaction: write down what is about to be asked
    REMOTE    ask the PSP; no transaction is open
    FINALIZE  one short transaction: write down what it answered, and book it

A crash between two of them leaves a transaction open. It is asked about again, under the same
key, by whoever comes first: the caller with the same ids, or `resolve_unknown`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from chassis.kernel.clock import Clock
from chassis.kernel.errors import Conflict, DomainError, RuleViolated
from services.payment.application.ports import (
    Answers,
    AuthorizationRequest,
    FollowUpRequest,
    Psp,
    UnitOfWork,
)
from services.payment.domain.payment import Payment
from services.payment.domain.transaction import PaymentTransaction
from services.payment.domain.values import (
    PaymentId,
    TransactionId,
    TransactionKind,
    TransactionState,
)

MOST_RACES = 5

# Whoever asked first is through with it by then, or dead.
ASKED_BY_NOW = timedelta(seconds=5)


class PaymentDeclined(RuleViolated):
    pass


class CaptureDeclined(RuleViolated):
    pass


class VoidDeclined(RuleViolated):
    pass


class IncrementDeclined(RuleViolated):
    pass


class RefundDeclined(RuleViolated):
    pass


@dataclass(frozen=True, slots=True)
class PspOutcomeUnknown:
    """
    The PSP has not said yet what came of it: neither yes nor no. Ask again.
    """

    payment_id: PaymentId


# What a caller is told about an entry of a batch.
Answer = Payment | DomainError | PspOutcomeUnknown


class OfPayment(Protocol):
    @property
    def payment_id(self) -> PaymentId: ...


C = TypeVar("C", bound=OfPayment)


async def prepare(
    commands: Sequence[C], request: Callable[[Payment, C], None], *, uow: UnitOfWork
) -> Sequence[Payment | DomainError]:
    """
    Write down what each of *commands* requests of its payment, or return why it is refused.
    """
    for _ in range(MOST_RACES):
        try:
            return await _prepare_once(commands, request, uow=uow)
        except Conflict:
            # Two first calls for one payment at once: there was no row yet that could be locked.
            # The other has committed, so now there is.
            continue
    return await _prepare_once(commands, request, uow=uow)


async def _prepare_once(
    commands: Sequence[C], request: Callable[[Payment, C], None], *, uow: UnitOfWork
) -> Sequence[Payment | DomainError]:
    prepared: list[Payment | DomainError] = []
    async with uow() as tx:
        payments = await tx.payments.open({command.payment_id for command in commands})
        for command in commands:
            payment = payments[command.payment_id]
            try:
                request(payment, command)
            except DomainError as refusal:
                prepared.append(refusal)
            else:
                prepared.append(payment)
        await tx.payments.save(payments.values())
    return prepared


async def settle(
    payments: Iterable[Payment], *, uow: UnitOfWork, psp: Psp, clock: Clock
) -> Mapping[PaymentId, Payment]:
    """
    Ask the PSP about all that is open of *payments* and write down what it answers; return the
    payments as they then are.

    An answer may bring up the next question: once the last capture is settled, a voided payment
    has its rest given back. Each question is asked once; what stays unknown stays open.
    """
    known = {payment.id: payment for payment in payments}
    asked: set[TransactionId] = set()
    while questions := _questions(known.values(), asked):
        answers = await _ask(questions, psp, now=clock())
        asked |= {question.transaction.id for question in questions}
        known |= await _finalize(questions, answers, uow=uow, clock=clock)
    return known


def outcome_of(payment: Payment, transaction: PaymentTransaction) -> Answer:
    """
    Return what the caller who asked for *transaction* is told.
    """
    if transaction.is_open:
        return PspOutcomeUnknown(payment.id)
    if transaction.failure:
        refusal = IncrementDeclined if transaction.is_increment else _DECLINED[transaction.kind]
        return refusal(f"the PSP declined: {transaction.failure}")
    return payment


_DECLINED: Mapping[TransactionKind, type[RuleViolated]] = {
    TransactionKind.AUTHORIZATION: PaymentDeclined,
    TransactionKind.CAPTURE: CaptureDeclined,
    TransactionKind.VOID: VoidDeclined,
    TransactionKind.REFUND: RefundDeclined,
}


@dataclass(frozen=True, slots=True)
class _Question:
    payment: Payment
    transaction: PaymentTransaction


def _questions(payments: Iterable[Payment], asked: set[TransactionId]) -> Sequence[_Question]:
    return [
        _Question(payment, transaction)
        for payment in payments
        for transaction in _answerable(payment)
        if transaction.id not in asked
    ]


def _answerable(payment: Payment) -> Sequence[PaymentTransaction]:
    """
    Return what the PSP can be asked now: all that is open, but of captures the oldest only. The
    PSP tells their sum, so that each takes its turn, whoever asks.
    """
    captures = (asked for asked in payment.open_transactions if _is_capture(asked))
    oldest = min(captures, key=lambda asked: asked.requested_at, default=None)
    return [
        asked for asked in payment.open_transactions if asked is oldest or not _is_capture(asked)
    ]


def _is_capture(asked: PaymentTransaction) -> bool:
    return asked.kind is TransactionKind.CAPTURE


async def _ask(questions: Sequence[_Question], psp: Psp, *, now: datetime) -> Answers:
    increments = [each for each in questions if each.transaction.is_increment]
    of_kind: defaultdict[TransactionKind, list[_Question]] = defaultdict(list)
    for question in questions:
        if not question.transaction.is_increment:
            of_kind[question.transaction.kind].append(question)
    authorizations = [
        _authorization(each, now=now) for each in of_kind[TransactionKind.AUTHORIZATION]
    ]
    verbs = (
        (psp.increment, increments),
        (psp.capture, of_kind[TransactionKind.CAPTURE]),
        (psp.void, of_kind[TransactionKind.VOID]),
        (psp.refund, of_kind[TransactionKind.REFUND]),
    )
    answers = dict(await psp.authorize(authorizations)) if authorizations else {}
    # All of one kind, but for the worker: there is rarely more than one call to wait for.
    for ask, of_verb in verbs:
        if of_verb:
            answers |= await ask([_follow_up(each, now=now) for each in of_verb])
    return answers


def _authorization(question: _Question, *, now: datetime) -> AuthorizationRequest:
    payment, asked = question.payment, question.transaction
    if payment.psp_token is None:  # pragma: no cover - authorize() sets both or neither
        raise AssertionError(f"payment {payment.id} draws on nothing")
    return AuthorizationRequest(
        key=asked.id,
        account=payment.psp_account,
        payment_id=payment.id,
        merchant=payment.merchant,
        amount=asked.amount,
        token=payment.psp_token,
        requested_at=asked.requested_at,
        asked_before=_was_asked(asked, now),
    )


def _follow_up(question: _Question, *, now: datetime) -> FollowUpRequest:
    payment, asked = question.payment, question.transaction
    captures = [other for other in payment.open_transactions if _is_capture(other)]
    return FollowUpRequest(
        key=asked.id,
        account=payment.psp_account,
        payment_id=payment.id,
        authorization=payment.psp_reference,
        amount=asked.amount,
        total=payment.settled(TransactionKind.AUTHORIZATION) + asked.amount,
        requested_at=asked.requested_at,
        asked_before=_was_asked(asked, now),
        last=captures == [asked] and not payment.remaining.minor_units,
        reason=asked.reason,
    )


def _was_asked(asked: PaymentTransaction, now: datetime) -> bool:
    is_unknown = asked.state is TransactionState.UNKNOWN
    return is_unknown or now - asked.requested_at > ASKED_BY_NOW


async def _finalize(
    questions: Sequence[_Question], answers: Answers, *, uow: UnitOfWork, clock: Clock
) -> Mapping[PaymentId, Payment]:
    async with uow() as tx:
        payments = await tx.payments.open({question.payment.id for question in questions})
        # Read again under the lock: another call, or a webhook, may have settled some meanwhile.
        entries = [
            entry
            for question in questions
            for entry in payments[question.payment.id].settle(
                question.transaction.id, answers[question.transaction.id], now=clock()
            )
        ]
        await tx.payments.save(payments.values())
        await tx.ledger.book(entries)
    return payments
