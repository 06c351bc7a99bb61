"""Use case: money that was taken is paid back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.money import Money
from chassis.kernel.text import check_words
from services.payment.application.conversation import Answer, outcome_of, prepare, settle
from services.payment.application.ports import Psp, UnitOfWork
from services.payment.domain.payment import Payment
from services.payment.domain.shipping import must_be_part
from services.payment.domain.values import (
    PaymentId,
    RefundId,
    TransactionKind,
    transaction_id_of,
)

MOST_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPayment:
    """
    Attributes:
        shipping: How much of the amount is for shipping; the rest is for goods.
        reason: For people; told to the PSP, too.
    """

    refund_id: RefundId
    payment_id: PaymentId
    amount: Money
    shipping: Money
    reason: str = ""

    def __post_init__(self) -> None:
        must_be_part(self.shipping, self.amount)
        check_words(self.reason, "reason", most=MOST_REASON_CHARACTERS)


async def refund_payments(
    commands: Sequence[RefundPayment],
    *,
    uow: UnitOfWork,
    psp: Psp,
    clock: Clock,
    window: timedelta,
) -> Sequence[Answer]:
    """
    Pay back the amount of each of *commands*, and book it.

    Safe to repeat: the same refund asked for again gets the same answer, or the one that was
    missing. Refused with RefundMismatch, PaymentNotCaptured, RefundExceedsCapture,
    RefundWindowClosed, PaymentDisputed or RefundDeclined.

    Args:
        window: For how long after the last capture a refund may be asked for.
    """

    def request(payment: Payment, command: RefundPayment) -> None:
        payment.refund(
            command.refund_id,
            command.amount,
            command.shipping,
            reason=command.reason,
            window=window,
            now=clock(),
        )

    prepared = await prepare(commands, request, uow=uow)
    ready = {entry.id: entry for entry in prepared if isinstance(entry, Payment)}
    settled = await settle(ready.values(), uow=uow, psp=psp, clock=clock)
    return [
        entry if isinstance(entry, DomainError) else refund_of(settled[entry.id], command)
        for entry, command in zip(prepared, commands, strict=True)
    ]


def refund_of(payment: Payment, command: RefundPayment) -> Answer:
    key = transaction_id_of(payment.id, TransactionKind.REFUND, command.refund_id)
    return outcome_of(payment, payment.transactions[key])
