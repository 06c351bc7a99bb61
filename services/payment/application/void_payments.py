"""Use case: money that was set aside and not taken is given back."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.payment.application.conversation import (
    Answer,
    PspOutcomeUnknown,
    outcome_of,
    prepare,
    settle,
)
from services.payment.application.ports import Psp, UnitOfWork
from services.payment.domain.payment import Payment
from services.payment.domain.values import PaymentId


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidPayment:
    payment_id: PaymentId


async def void_payments(
    commands: Sequence[VoidPayment], *, uow: UnitOfWork, psp: Psp, clock: Clock
) -> Sequence[Answer]:
    """
    Give back what is left of each payment, and let nothing more happen under its id.

    What the PSP has not answered yet is asked about first, as only then is it known what is left.
    Safe to repeat: a second void finds nothing left. Refused with VoidDeclined.
    """

    def request(payment: Payment, _command: VoidPayment) -> None:
        payment.void(now=clock())

    prepared = await prepare(commands, request, uow=uow)
    ready = [entry for entry in prepared if isinstance(entry, Payment)]
    settled = await settle(ready, uow=uow, psp=psp, clock=clock)
    return [
        entry if isinstance(entry, DomainError) else void_of(settled[entry.id])
        for entry in prepared
    ]


def void_of(payment: Payment) -> Answer:
    if payment.open_transactions:
        return PspOutcomeUnknown(payment.id)
    if payment.void_transaction:
        return outcome_of(payment, payment.void_transaction)
    return payment
