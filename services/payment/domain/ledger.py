"""
The books: double entry, in minor units, never changed once written.

    when a capture succeeds     debit                    credit
    ─────────────────────────   ──────────────────────   ────────────────────────
    the goods are sold          customer receivable  X   sales       X − shipping
                                                         shipping income shipping
    the customer has paid       psp clearing         X   customer receivable    X

Setting money aside and giving it back moves none: neither is booked.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chassis.kernel.money import Money
from services.payment.domain.transaction import PaymentTransaction
from services.payment.domain.values import PaymentId, TransactionId, TransactionKind


class Account(StrEnum):
    CUSTOMER_RECEIVABLE = "customer_receivable"
    PSP_CLEARING = "psp_clearing"
    SALES = "sales"
    SHIPPING_INCOME = "shipping_income"


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
    What one transaction does to the books: balanced, or it cannot be.
    """

    kind: TransactionKind
    payment_id: PaymentId
    transaction_id: TransactionId
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
    The sum of one account in one currency: debits positive, credits negative.
    """

    account: str
    amount: Money


def entry_of_capture(
    payment_id: PaymentId, capture: PaymentTransaction, *, now: datetime
) -> JournalEntry:
    """
    Return what *capture* does to the books.
    """
    lines = (
        debit(Account.CUSTOMER_RECEIVABLE, capture.amount),
        credit(Account.SALES, capture.amount - capture.shipping),
        credit(Account.SHIPPING_INCOME, capture.shipping),
        debit(Account.PSP_CLEARING, capture.amount),
        credit(Account.CUSTOMER_RECEIVABLE, capture.amount),
    )
    return JournalEntry(
        kind=capture.kind,
        payment_id=payment_id,
        transaction_id=capture.id,
        occurred_at=now,
        postings=tuple(line for line in lines if line.amount.minor_units),
    )


def debit(account: Account, amount: Money) -> Posting:
    return Posting(account, amount)


def credit(account: Account, amount: Money) -> Posting:
    return Posting(account, Money(-amount.minor_units, amount.currency))
