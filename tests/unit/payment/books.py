"""The books, in memory."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.kernel.money import Money
from services.payment.domain.ledger import Balance, JournalEntry
from services.payment.domain.statement import BookedPosting, Place, statement_of


@dataclass(frozen=True)
class Booked:
    booked_at: datetime
    number: int
    entry: JournalEntry


class InMemoryLedger:
    """
    Attributes:
        entries: What this transaction books.
        booked: What is in the books already.
    """

    def __init__(self, booked=(), *, now=None):
        self.entries = []
        self.booked = booked
        self.now = now

    async def book(self, entries):
        self.entries += entries

    async def closed_until(self):
        return self.now

    async def balances(self, *, as_of, merchant):
        sums = Counter()
        for booked in self.booked:
            if booked.booked_at <= as_of and merchant in (None, booked.entry.merchant):
                for posting in booked.entry.postings:
                    sums[posting.account, posting.amount.currency] += posting.amount.minor_units
        return [
            Balance(account, Money(sums[account, currency], currency), merchant)
            for account, currency in sorted(sums)
        ]

    async def statement(self, of, *, after, until, limit):
        postings = sorted(self._postings(of, until), key=lambda posting: posting.place)
        before = [each.amount.minor_units for each in postings if each.place <= after]
        listed = [each for each in postings if each.place > after]
        return statement_of(
            Money(sum(before), of.currency),
            tuple(listed[:limit]),
            until=until,
            has_more=len(listed) > limit,
        )

    def _postings(self, of, until):
        return [
            BookedPosting(
                place=Place(booked.booked_at, 0, 100 * booked.number + line),
                entry_id=UUID(int=booked.number),
                kind=booked.entry.kind,
                amount=posting.amount,
                payment_id=booked.entry.payment_id,
            )
            for booked in self.booked
            for line, posting in enumerate(booked.entry.postings, start=1)
            if booked.entry.merchant == of.merchant
            and (posting.account, posting.amount.currency) == (of.account, of.currency)
            and booked.booked_at <= until
        ]
