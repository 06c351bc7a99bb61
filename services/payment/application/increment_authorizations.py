"""Use case: more money is set aside for payments that have some."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.money import Money
from services.payment.application.conversation import Answer, outcome_of, prepare, settle
from services.payment.application.ports import Psp, UnitOfWork
from services.payment.domain.payment import Payment
from services.payment.domain.values import (
    IncrementId,
    PaymentId,
    TransactionKind,
    transaction_id_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncrementAuthorization:
    """
    Attributes:
        amount: What to add.
    """

    increment_id: IncrementId
    payment_id: PaymentId
    amount: Money


async def increment_authorizations(
    commands: Sequence[IncrementAuthorization], *, uow: UnitOfWork, psp: Psp, clock: Clock
) -> Sequence[Answer]:
    """
    Set the amount of each of *commands* aside on top of what is.

    Safe to repeat: the same increment asked for again gets the same answer, or the one that was
    missing. Refused with IncrementMismatch, IncrementUnderWay, PaymentNotAuthorized,
    PaymentVoided, AuthorizationExpired or IncrementDeclined.
    """

    def request(payment: Payment, command: IncrementAuthorization) -> None:
        payment.increment(command.increment_id, command.amount, now=clock())

    prepared = await prepare(commands, request, uow=uow)
    ready = {entry.id: entry for entry in prepared if isinstance(entry, Payment)}
    settled = await settle(ready.values(), uow=uow, psp=psp, clock=clock)
    return [
        entry if isinstance(entry, DomainError) else increment_of(settled[entry.id], command)
        for entry, command in zip(prepared, commands, strict=True)
    ]


def increment_of(payment: Payment, command: IncrementAuthorization) -> Answer:
    key = transaction_id_of(payment.id, TransactionKind.AUTHORIZATION, command.increment_id)
    return outcome_of(payment, payment.transactions[key])
