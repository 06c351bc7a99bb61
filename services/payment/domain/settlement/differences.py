"""Where the PSP and the books disagree, and what to book to set it right."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from chassis.kernel.errors import RuleViolated
from chassis.kernel.money import Money
from chassis.kernel.text import check_words
from services.payment.domain.ledger import Account, EntryKind, JournalEntry, Posting
from services.payment.domain.settlement.movements import Movement
from services.payment.domain.settlement.rows import PlacedRow, SettlementRow
from services.payment.domain.values import (
    NO_ACCOUNT,
    MerchantId,
    PaymentId,
    PspAccount,
    TransactionId,
)

MOST_CHARACTERS = 500


class DifferenceResolved(RuleViolated):
    pass


class DifferenceKind(StrEnum):
    MISSING_HERE = "MISSING_HERE"
    MISSING_THERE = "MISSING_THERE"
    WRONG_AMOUNT = "WRONG_AMOUNT"
    DUPLICATED = "DUPLICATED"


class DifferenceState(StrEnum):
    OPEN = "OPEN"
    CORRECTED = "CORRECTED"
    DISMISSED = "DISMISSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    Attributes:
        report: In which it was noticed.
        position: Of the report's row; `None` if it is missing there.
        transaction_id, movement, payment_id: What it is about; `None` if nothing here is.
        merchant: In whose books the correction belongs.
        expected: What our books say moved.
        proposal: What to book, in words.
        correction: The lines of it; empty if there is nothing to book.
        account, report_id: What the report is called by others, once this was written down.
    """

    id: UUID
    report: UUID
    kind: DifferenceKind
    position: int | None
    row: SettlementRow | None
    transaction_id: TransactionId | None
    movement: EntryKind | None
    payment_id: PaymentId | None
    merchant: MerchantId
    expected: Money | None
    proposal: str
    correction: tuple[Posting, ...]
    created_at: datetime
    state: DifferenceState = DifferenceState.OPEN
    resolved_at: datetime | None = None
    resolve_reason: str = ""
    account: PspAccount = NO_ACCOUNT
    report_id: str = ""

    def resolve(self, *, reason: str, dismiss: bool, now: datetime) -> "Difference":
        """
        Return it closed. Asked again, it stays as it is.

        Raises:
            InvalidInput: *reason* is no text of 1 to 500 characters, or holds a card number.
            DifferenceResolved: It was closed in the other way.
        """
        check_words(reason, "reason", least=1, most=MOST_CHARACTERS)
        state = DifferenceState.DISMISSED if dismiss else DifferenceState.CORRECTED
        if self.state is state:
            return self
        if self.state is not DifferenceState.OPEN:
            raise DifferenceResolved(f"difference {self.id} is {self.state} already")
        return replace(self, state=state, resolved_at=now, resolve_reason=reason)

    def entry(self, *, now: datetime) -> JournalEntry | None:
        """
        Return the entry that the correction is; `None` if there is nothing to book.
        """
        if not self.correction:
            return None
        return JournalEntry(
            kind=EntryKind.CORRECTION,
            merchant=self.merchant,
            cause_id=self.id,
            payment_id=self.payment_id,
            occurred_at=now,
            postings=self.correction,
        )


def row_difference_id(placed: PlacedRow) -> UUID:
    return uuid5(placed.report, f"row {placed.position}")


def missing_there_id(movement: Movement) -> UUID:
    return uuid5(movement.transaction_id, f"missing there {movement.kind}")


def wrong_at_once_id(movement: Movement) -> UUID:
    return uuid5(movement.transaction_id, f"wrong at once {movement.kind}")


def settlement_of(row: SettlementRow, movement: Movement) -> tuple[Posting, ...]:
    """
    Return what a row does to the books that moves what they expect: the clearing account gives it
    away, the bank gets it, the PSP keeps its fee. What does not add up waits in suspense.
    """
    return _balanced(
        (Account.BANK, row.net),
        (Account.PSP_FEES, row.fee),
        (Account.PSP_CLEARING, _minus(movement.amount)),
    )


def unknown_here(row: SettlementRow) -> tuple[Posting, ...]:
    """
    Return what a row does to the books that they know nothing of: the money is there and waits in
    suspense.
    """
    return _balanced((Account.BANK, row.net), (Account.PSP_FEES, row.fee))


def unknown_there(movement: Movement) -> tuple[Posting, ...]:
    """
    Return what takes a movement out of the clearing account that the PSP knows nothing of. Should
    it turn up in a later report, `unknown_here` takes it out of suspense again.
    """
    return _balanced((Account.PSP_CLEARING, _minus(movement.amount)))


def fee_of(row: SettlementRow) -> tuple[Posting, ...]:
    """
    Return what a fee by itself does to the books.
    """
    return _balanced((Account.BANK, row.net), (Account.PSP_FEES, row.fee - row.gross))


def payout_of(row: SettlementRow) -> tuple[Posting, ...]:
    """
    Return what a payout does to the books: only its fee, if it has one. The bank is the merchant's
    money wherever it lies, and a payout moves it from the PSP's to another.
    """
    return _balanced((Account.BANK, row.net - row.gross), (Account.PSP_FEES, row.fee))


def accepted(movement: Movement, asked: Money) -> tuple[Posting, ...]:
    """
    Return what accepts that the PSP moved something else than it was asked to: suspense gives it
    to what it was about.
    """
    account = Account.SALES if movement.kind is EntryKind.CAPTURE else Account.REFUNDS
    return _balanced((account, asked - movement.amount))


def _balanced(*lines: tuple[Account, Money]) -> tuple[Posting, ...]:
    """
    Return *lines* without those of nothing, and with what is left over in suspense.
    """
    left: Counter[str] = Counter()
    for _, amount in lines:
        left[amount.currency] += amount.minor_units
    return tuple(_something(lines)) + tuple(
        Posting(Account.SUSPENSE, Money(-amount, currency))
        for currency, amount in left.items()
        if amount
    )


def _something(lines: Iterable[tuple[Account, Money]]) -> Iterable[Posting]:
    return (Posting(account, amount) for account, amount in lines if amount.minor_units)


def _minus(amount: Money) -> Money:
    return Money(-amount.minor_units, amount.currency)
