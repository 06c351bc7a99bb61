"""Use case: money is set aside for orders."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.application.conversation import Answer, outcome_of, prepare, settle
from services.payment.application.ports import Psp, PspAccounts, UnitOfWork
from services.payment.domain.payment import Payment
from services.payment.domain.payment_requests import PaymentVoided
from services.payment.domain.values import (
    MAIN_MERCHANT,
    MerchantId,
    PaymentId,
    TransactionKind,
    transaction_id_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizePayment:
    payment_id: PaymentId
    amount: Money
    psp_token: PspToken
    merchant: MerchantId = MAIN_MERCHANT


async def authorize_payments(
    commands: Sequence[AuthorizePayment],
    *,
    uow: UnitOfWork,
    psp: Psp,
    accounts: PspAccounts,
    clock: Clock,
) -> Sequence[Answer]:
    """
    Set money aside for each of *commands*, all or nothing.

    Safe to repeat: the same payment asked for again gets the same answer, or the one that was
    missing. Refused with PaymentDeclined, PaymentMismatch, PaymentVoided or CurrencyNotServed.
    """

    def request(payment: Payment, command: AuthorizePayment) -> None:
        # Where it was asked for once it stays, whatever is configured since.
        account = payment.psp_account or accounts.account_for(
            command.merchant, command.amount.currency
        )
        payment.authorize(
            command.amount,
            command.psp_token,
            merchant=command.merchant,
            account=account,
            now=clock(),
        )

    prepared = await prepare(commands, request, uow=uow)
    ready = [entry for entry in prepared if isinstance(entry, Payment)]
    settled = await settle(ready, uow=uow, psp=psp, clock=clock)
    return [
        entry if isinstance(entry, DomainError) else authorization_of(settled[entry.id])
        for entry in prepared
    ]


def authorization_of(payment: Payment) -> Answer:
    key = transaction_id_of(payment.id, TransactionKind.AUTHORIZATION)
    answer = outcome_of(payment, payment.transactions[key])
    if answer is payment and payment.closed:
        # A void overtook us while the PSP was asked: the money goes back.
        return PaymentVoided(f"payment {payment.id} is voided")
    return answer
