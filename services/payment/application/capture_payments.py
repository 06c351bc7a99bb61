"""Use case: money that was set aside is taken, for what was dispatched."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.money import Money
from services.payment.application.conversation import Answer, outcome_of, prepare, settle
from services.payment.application.ports import Psp, UnitOfWork
from services.payment.domain.payment import Payment
from services.payment.domain.shipping import must_be_part
from services.payment.domain.values import (
    CaptureId,
    PaymentId,
    TransactionKind,
    transaction_id_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePayment:
    """
    Attributes:
        shipping: How much of the amount is for shipping; the rest is for goods.
    """

    capture_id: CaptureId
    payment_id: PaymentId
    amount: Money
    shipping: Money

    def __post_init__(self) -> None:
        must_be_part(self.shipping, self.amount)


async def capture_payments(
    commands: Sequence[CapturePayment], *, uow: UnitOfWork, psp: Psp, clock: Clock
) -> Sequence[Answer]:
    """
    Take the amount of each of *commands* from what is set aside, and book it.

    Safe to repeat: the same capture asked for again gets the same answer, or the one that was
    missing. Refused with CaptureMismatch, CaptureExceedsAuthorization, PaymentNotAuthorized,
    PaymentVoided, AuthorizationExpired or CaptureDeclined.
    """

    def request(payment: Payment, command: CapturePayment) -> None:
        payment.capture(command.capture_id, command.amount, command.shipping, now=clock())

    prepared = await prepare(commands, request, uow=uow)
    ready = {entry.id: entry for entry in prepared if isinstance(entry, Payment)}
    settled = await settle(ready.values(), uow=uow, psp=psp, clock=clock)
    return [
        entry if isinstance(entry, DomainError) else capture_of(settled[entry.id], command)
        for entry, command in zip(prepared, commands, strict=True)
    ]


def capture_of(payment: Payment, command: CapturePayment) -> Answer:
    key = transaction_id_of(payment.id, TransactionKind.CAPTURE, command.capture_id)
    return outcome_of(payment, payment.transactions[key])
