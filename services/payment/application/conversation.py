"""
The conversation with the PSP, which every verb holds in the same three steps:

    PREPARE   one short transaction: write down what is about to be asked
    REMOTE    ask the PSP; no transaction is open
    FINALIZE  one short transaction: write down what it answered, and book it

A crash between two of them leaves a transaction open. It is asked about again, under the same
key, by whoever comes first: the caller with the same ids, or `resolve_unknown`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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


class PaymentDeclined(RuleViolated):
    pass


class CaptureDeclined(RuleViolated):
    pass


class VoidDeclined(RuleViolated):
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
        answers = await _ask(questions, psp)
        asked |= {question.transaction.id for question in questions}
        known |= await _finalize(questions, answers, uow=uow, clock=clock)
    return known


def outcome_of(payment: Payment, transaction: PaymentTransaction) -> Answer:
    """
    Return what the caller who asked for *transaction* is told.
    """
    if transaction.is_open:
        return PspOutcomeUnknown(payment.id)
    if transaction.state is TransactionState.FAILED:
        refusal = _DECLINED[transaction.kind]
        return refusal(f"the PSP declined: {transaction.failure}")
    return payment


_DECLINED: Mapping[TransactionKind, type[RuleViolated]] = {
    TransactionKind.AUTHORIZATION: PaymentDeclined,
    TransactionKind.CAPTURE: CaptureDeclined,
    TransactionKind.VOID: VoidDeclined,
}


@dataclass(frozen=True, slots=True)
class _Question:
    payment: Payment
    transaction: PaymentTransaction


def _questions(payments: Iterable[Payment], asked: set[TransactionId]) -> Sequence[_Question]:
    return [
        _Question(payment, transaction)
        for payment in payments
        for transaction in payment.open_transactions
        if transaction.id not in asked
    ]


async def _ask(questions: Sequence[_Question], psp: Psp) -> Answers:
    authorizations = [
        AuthorizationRequest(
            key=question.transaction.id,
            payment_id=question.payment.id,
            amount=question.transaction.amount,
            token=question.payment.psp_token,
        )
        for question in questions
        if question.transaction.kind is TransactionKind.AUTHORIZATION and question.payment.psp_token
    ]
    captures = _follow_ups(questions, TransactionKind.CAPTURE)
    voids = _follow_ups(questions, TransactionKind.VOID)
    # All of one kind, but for the worker: there is rarely more than one call to wait for.
    return {
        **(await psp.authorize(authorizations) if authorizations else {}),
        **(await psp.capture(captures) if captures else {}),
        **(await psp.void(voids) if voids else {}),
    }


def _follow_ups(questions: Sequence[_Question], kind: TransactionKind) -> Sequence[FollowUpRequest]:
    return [
        FollowUpRequest(
            key=question.transaction.id,
            authorization=question.payment.psp_reference,
            amount=question.transaction.amount,
        )
        for question in questions
        if question.transaction.kind is kind
    ]


async def _finalize(
    questions: Sequence[_Question], answers: Answers, *, uow: UnitOfWork, clock: Clock
) -> Mapping[PaymentId, Payment]:
    async with uow() as tx:
        payments = await tx.payments.open({question.payment.id for question in questions})
        # Read again under the lock: another call may have settled some of them meanwhile.
        entries = [
            payments[question.payment.id].settle(
                question.transaction.id, answers[question.transaction.id], now=clock()
            )
            for question in questions
        ]
        await tx.payments.save(payments.values())
        await tx.ledger.book([entry for entry in entries if entry])
    return payments
