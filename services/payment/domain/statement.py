"""Statements of the books: what an account held, what changed it, and what it held then."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from chassis.kernel.money import Money
from services.payment.domain.ledger import Account, EntryKind
from services.payment.domain.values import MerchantId, PaymentId


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAccount:
    """
    An account of a merchant in a currency.
    """

    merchant: MerchantId
    account: Account
    currency: str


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """
    Where a posting stands in the order of booking.

    Attributes:
        shard: Who books at the same moment does so on different ones.
        line: Among the postings that are booked together.
    """

    booked_at: datetime
    shard: int
    line: int

    @classmethod
    def end_of(cls, moment: datetime) -> Self:
        """
        Return the place after everything that was booked at *moment*.
        """
        return cls(moment, 2**15 - 1, 2**31 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedPosting:
    """
    A posting to an account, as the books have it.

    Attributes:
        payment_id: `None` if it is about no payment.
    """

    place: Place
    entry_id: UUID
    kind: EntryKind
    amount: Money
    payment_id: PaymentId | None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """
    Attributes:
        balance: What the account held after it.
    """

    posting: BookedPosting
    balance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """
    A page of the statement of an account. Where it closes, the next page opens.

    Attributes:
        until: Postings up to this moment, inclusive, are on the statement's pages.
        next: After which place the next page begins; `None` on the last one.
    """

    opening: Money
    lines: tuple[StatementLine, ...]
    closing: Money
    until: datetime
    next: Place | None


def statement_of(
    opening: Money, postings: tuple[BookedPosting, ...], *, until: datetime, has_more: bool
) -> Statement:
    """
    Return the page that opens with *opening* and lists *postings*.
    """
    balance = opening
    lines: list[StatementLine] = []
    for posting in postings:
        balance += posting.amount
        lines.append(StatementLine(posting, balance))
    return Statement(
        opening=opening,
        lines=tuple(lines),
        closing=balance,
        until=until,
        next=postings[-1].place if has_more else None,
    )
