"""
The books: double entry, in minor units, never changed once written.

    when                        debit                      credit
    ─────────────────────────   ────────────────────────   ────────────────────────
    a capture succeeds          customer receivable    X   sales         X − shipping
                                                           shipping income   shipping
                                psp clearing           X   customer receivable      X
    a refund succeeds           refunds     X − shipping   customer receivable      X
                                shipping income shipping
                                customer receivable    X   psp clearing             X
    a chargeback is received    chargebacks            X   psp clearing             X
    one is undone               the same, the other way round
    the PSP settles             bank                 net   psp clearing         gross
                                psp fees             fee

Setting money aside and giving it back moves none: neither is booked. Every merchant has accounts
of its own, in each currency. What the PSP moves beyond what it was asked for, or leaves out, waits
in suspense until a person decides.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.kernel.money import Money
from services.payment.domain.transaction import PaymentTransaction
from services.payment.domain.values import MerchantId, PaymentId


class Account(StrEnum):
    CUSTOMER_RECEIVABLE = "customer_receivable"
    PSP_CLEARING = "psp_clearing"
    SALES = "sales"
    SHIPPING_INCOME = "shipping_income"
    REFUNDS = "refunds"
    CHARGEBACKS = "chargebacks"
    PSP_FEES = "psp_fees"
    BANK = "bank"
    SUSPENSE = "suspense"


class EntryKind(StrEnum):
    CAPTURE = "CAPTURE"
    REFUND = "REFUND"
    REFUND_REVERSAL = "REFUND_REVERSAL"
    CHARGEBACK = "CHARGEBACK"
    CHARGEBACK_REVERSAL = "CHARGEBACK_REVERSAL"
    SETTLEMENT = "SETTLEMENT"
    CORRECTION = "CORRECTION"


class NotDoubleEntry(ValueError):
    """
    An entry whose debits and credits differ. A fault in this service, never in a request.
    """


@dataclass(frozen=True, slots=True)
class Posting:
    """
    A line of an entry: a debit if above zero, a credit if below.
    """

    account: Account
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """
    What one cause does to the books: balanced, or it cannot be.

    Attributes:
        cause_id: What it is booked for: a transaction, a row of a settlement report, a
            difference. The books take one entry of each kind for it.
        payment_id: `None` if it is about no payment.
    """

    kind: EntryKind
    merchant: MerchantId
    cause_id: UUID
    payment_id: PaymentId | None
    occurred_at: datetime
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        sums: defaultdict[str, int] = defaultdict(int)
        for posting in self.postings:
            if posting.amount.minor_units == 0:
                raise NotDoubleEntry(f"a posting of nothing to {posting.account}")
            sums[posting.amount.currency] += posting.amount.minor_units
        # No single line can add up to zero, so a balanced entry has two at least.
        if not sums or any(sums.values()):
            raise NotDoubleEntry(f"debits and credits differ by {dict(sums)}")


@dataclass(frozen=True, slots=True)
class Balance:
    """
    What one account holds in one currency: debits positive, credits negative.

    Attributes:
        merchant: `None` in a sum over all merchants.
    """

    account: str
    amount: Money
    merchant: MerchantId | None = None


def entry_of(
    kind: EntryKind,
    done: PaymentTransaction,
    *,
    payment_id: PaymentId,
    merchant: MerchantId,
    now: datetime,
) -> JournalEntry:
    """
    Return what *done*, which has succeeded, does to the books; or, for a reversal, what its
    undoing does.
    """
    lines = _LINES[kind](done)
    return JournalEntry(
        kind=kind,
        merchant=merchant,
        cause_id=done.id,
        payment_id=payment_id,
        occurred_at=now,
        postings=tuple(line for line in lines if line.amount.minor_units),
    )


def debit(account: Account, amount: Money) -> Posting:
    return Posting(account, amount)


def credit(account: Account, amount: Money) -> Posting:
    return Posting(account, Money(-amount.minor_units, amount.currency))


def _capture(done: PaymentTransaction) -> Iterable[Posting]:
    moved = done.moved or done.amount
    return (
        debit(Account.CUSTOMER_RECEIVABLE, done.amount),
        credit(Account.SALES, done.amount - done.shipping),
        credit(Account.SHIPPING_INCOME, done.shipping),
        debit(Account.PSP_CLEARING, moved),
        credit(Account.CUSTOMER_RECEIVABLE, done.amount),
        credit(Account.SUSPENSE, moved - done.amount),
    )


def _refund(done: PaymentTransaction) -> Iterable[Posting]:
    moved = done.moved or done.amount
    return (
        debit(Account.REFUNDS, done.amount - done.shipping),
        debit(Account.SHIPPING_INCOME, done.shipping),
        credit(Account.CUSTOMER_RECEIVABLE, done.amount),
        debit(Account.CUSTOMER_RECEIVABLE, done.amount),
        credit(Account.PSP_CLEARING, moved),
        debit(Account.SUSPENSE, moved - done.amount),
    )


def _chargeback(done: PaymentTransaction) -> Iterable[Posting]:
    return (debit(Account.CHARGEBACKS, done.amount), credit(Account.PSP_CLEARING, done.amount))


def _undone(lines: Iterable[Posting]) -> Iterable[Posting]:
    return tuple(credit(line.account, line.amount) for line in lines)


_LINES: Mapping[EntryKind, Callable[[PaymentTransaction], Iterable[Posting]]] = {
    EntryKind.CAPTURE: _capture,
    EntryKind.REFUND: _refund,
    EntryKind.REFUND_REVERSAL: lambda done: _undone(_refund(done)),
    EntryKind.CHARGEBACK: _chargeback,
    EntryKind.CHARGEBACK_REVERSAL: lambda done: _undone(_chargeback(done)),
}
