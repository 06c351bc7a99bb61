"""
Payments that were made, what an honest report says of them, and reports that lie.

What a lie must be found as is said with it: its kind, and which transaction or row it is about.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.domain.facts import ChargebackState, ChargedBack
from services.payment.domain.ledger import EntryKind, JournalEntry
from services.payment.domain.payment import Payment
from services.payment.domain.settlement.differences import Difference, DifferenceKind
from services.payment.domain.settlement.rows import RowKind, SettlementRow
from services.payment.domain.transaction import PaymentTransaction
from services.payment.domain.values import (
    Approved,
    CaptureId,
    ChargebackId,
    Declined,
    MerchantId,
    PaymentId,
    PspAccount,
    PspReference,
    RefundId,
    TransactionKind,
)

MAIN = PspAccount("main")
MORNING = datetime(2026, 1, 1, 8, tzinfo=UTC)
EVENING = MORNING + timedelta(hours=12)
WINDOW = timedelta(days=180)
MERCHANTS = (MerchantId("main"), MerchantId("north"))
CURRENCIES = ("EUR", "GBP", "JPY", "KWD")

_ROW_KINDS = {kind.entry_kind: kind for kind in RowKind if kind.entry_kind}

# What a difference is about: its kind, and a transaction's part or a row.
Finding = tuple[DifferenceKind, object]


@dataclass
class Made:
    """
    A payment, what was booked for it, and what an honest PSP says of it.
    """

    payment: Payment
    now: datetime
    is_named: bool
    entries: list[JournalEntry] = field(default_factory=list)
    rows: list[SettlementRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def settle(self, asked: PaymentTransaction, answer: Approved | Declined) -> None:
        self.book(self.payment.settle(asked.id, answer, now=self.now))

    def book(self, entries: Iterable[JournalEntry]) -> None:
        for entry in entries:
            self.entries.append(entry)
            self.rows.append(self._row(entry))

    def _row(self, entry: JournalEntry) -> SettlementRow:
        done = self.payment.transactions[entry.cause_id]
        gross = next(line.amount for line in entry.postings if line.account == "psp_clearing")
        fee = 0
        if entry.kind is EntryKind.CAPTURE:
            fee = gross.minor_units * 14 // 1000 + 25
        if entry.kind is EntryKind.CHARGEBACK:
            fee = 15_00
        source = self.payment.psp_reference
        if done.kind is TransactionKind.REFUND:
            source = done.reference
        if done.kind is TransactionKind.CHARGEBACK:
            source = done.request_id
        is_named = self.is_named and done.kind is not TransactionKind.CHARGEBACK
        return SettlementRow(
            row_id=f"txn_{entry.kind}_{done.id.hex}",
            kind=_ROW_KINDS[entry.kind],
            source_id=source,
            transaction_id=done.id if is_named else None,
            gross=gross,
            fee=Money(fee, gross.currency),
            net=Money(gross.minor_units - fee, gross.currency),
            created_at=self.now,
        )


def make(random: Random, *, now: datetime = MORNING, lies: bool = True) -> Made:
    """
    Return a payment that was made, of any kind.

    Args:
        lies: Whether the PSP may move something else than it was asked to.
    """
    payment = Payment(id=PaymentId(_id(random)))
    made = Made(payment, now, is_named=random.random() < 0.7)
    currency = random.choice(CURRENCIES)
    amounts = [random.randrange(1_00, 200_00) for _ in range(random.choice((1, 1, 1, 2)))]
    total = Money(sum(amounts), currency)
    payment.authorize(
        total, PspToken("tok_visa"), merchant=random.choice(MERCHANTS), account=MAIN, now=now
    )
    reference = PspReference(f"pi_{payment.id.hex}")
    made.settle(payment.open_transactions[0], Approved(reference, total))
    for amount in amounts:
        shipping = Money(random.randrange(amount), currency)
        payment.capture(CaptureId(_id(random)), Money(amount, currency), shipping, now=now)
        _answer(made, reference, EntryKind.CAPTURE, random, lies=lies)
    if random.random() < 0.4:
        _refund(made, random, lies=lies)
    if random.random() < 0.15:
        _charge_back(made, random)
    payment.pull_events()
    return made


def _answer(
    made: Made, reference: str, kind: EntryKind, random: Random, *, lies: bool
) -> PaymentTransaction:
    (asked,) = made.payment.open_transactions
    moved = asked.amount
    if lies and random.random() < 0.01:
        moved = Money(moved.minor_units - random.randrange(1, 10), moved.currency)
        made.findings.append((DifferenceKind.WRONG_AMOUNT, (asked.id, kind)))
    made.settle(asked, Approved(PspReference(reference), moved))
    return made.payment.transactions[asked.id]


def _refund(made: Made, random: Random, *, lies: bool) -> None:
    payment = made.payment
    amount = Money(random.randrange(50, payment.refundable.minor_units), payment.currency)
    payment.refund(
        RefundId(_id(random)),
        amount,
        Money(0, payment.currency),
        reason="",
        window=WINDOW,
        now=made.now,
    )
    fails = random.random() < 0.2
    # What fails later is undone as a whole: nothing is left in suspense to be found.
    reference = f"re_{_id(random).hex}"
    done = _answer(made, reference, EntryKind.REFUND, random, lies=lies and not fails)
    if fails:
        made.settle(done, Declined("expired_or_canceled_card"))


def _charge_back(made: Made, random: Random) -> None:
    dispute = ChargedBack(
        authorization=made.payment.psp_reference,
        chargeback_id=ChargebackId(f"dp_{_id(random).hex}"),
        amount=Money(random.randrange(1, 1_00), made.payment.currency),
        reason="fraudulent",
        state=ChargebackState.NEEDS_RESPONSE,
        opened_at=made.now,
        evidence_due_at=None,
    )
    made.book(made.payment.charge_back(dispute, now=made.now))
    end = random.choice([None, ChargebackState.WON, ChargebackState.LOST])
    if end:
        made.book(made.payment.charge_back(replace(dispute, state=end), now=made.now))


def others(random: Random, count: int) -> list[SettlementRow]:
    """
    Return fees and payouts.
    """
    rows = []
    for _ in range(count):
        kind = random.choice((RowKind.FEE, RowKind.PAYOUT))
        currency, amount = random.choice(CURRENCIES), random.randrange(1, 1_000_00)
        rows.append(
            SettlementRow(
                row_id=f"txn_{_id(random).hex}",
                kind=kind,
                source_id=f"po_{_id(random).hex}",
                transaction_id=None,
                gross=Money(-amount, currency),
                fee=Money(0, currency),
                net=Money(-amount, currency),
                created_at=MORNING,
            )
        )
    return rows


def _id(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)


# A lie takes one honest row, and returns what stands in its place and what must be found.
Lie = Callable[[SettlementRow, Random], tuple[Sequence[SettlementRow], Finding]]


@dataclass
class Report:
    """
    Attributes:
        rows: What it says.
        findings: What must be found, as often as here.
    """

    rows: list[SettlementRow]
    findings: Counter[Finding]


class Liar:
    """
    Changes honest reports, a row at a time.

    Attributes:
        about: Which part of which transaction a row is about, by its id.
    """

    def __init__(self, made: Sequence[Made]) -> None:
        self.about = {
            row.row_id: (entry.cause_id, entry.kind)
            for each in made
            for entry, row in zip(each.entries, each.rows, strict=True)
        }

    @property
    def lies(self) -> Sequence[Lie]:
        return (
            self.leave_out,
            self.invent,
            self.invent_for_known,
            self.move_more,
            self.change_currency,
            self.turn_round,
            self.add_up_wrong,
            self.repeat,
            self.double,
        )

    def leave_out(self, row, random):
        return [], (DifferenceKind.MISSING_THERE, self.about[row.row_id])

    def invent(self, row, random):
        unknown = _id(random) if row.transaction_id else None
        other = replace(
            row, row_id=_new_row(random), source_id=_new_row(random), transaction_id=unknown
        )
        return [row, other], (DifferenceKind.MISSING_HERE, other.row_id)

    def invent_for_known(self, row, random):
        _, kind = self.about[row.row_id]
        failed = {
            EntryKind.CAPTURE: RowKind.REFUND,
            EntryKind.REFUND: RowKind.CHARGEBACK_REVERSAL,
            EntryKind.REFUND_REVERSAL: RowKind.CAPTURE,
        }
        other = replace(row, row_id=_new_row(random), kind=failed.get(kind, RowKind.REFUND))
        return [row, other], (DifferenceKind.MISSING_HERE, other.row_id)

    def move_more(self, row, random):
        more = Money(random.choice((-1, 1, 100)), row.gross.currency)
        changed = replace(row, gross=row.gross + more, net=row.net + more)
        return [changed], (DifferenceKind.WRONG_AMOUNT, self.about[row.row_id])

    def change_currency(self, row, random):
        changed = replace(
            row,
            gross=Money(row.gross.minor_units, "USD"),
            fee=Money(row.fee.minor_units, "USD"),
            net=Money(row.net.minor_units, "USD"),
        )
        return [changed], (DifferenceKind.WRONG_AMOUNT, self.about[row.row_id])

    def turn_round(self, row, random):
        gross = Money(-row.gross.minor_units, row.gross.currency)
        changed = replace(row, gross=gross, net=gross - row.fee)
        return [changed], (DifferenceKind.WRONG_AMOUNT, self.about[row.row_id])

    def add_up_wrong(self, row, random):
        changed = replace(row, net=row.net + Money(random.choice((-1, 1)), row.net.currency))
        return [changed], (DifferenceKind.WRONG_AMOUNT, self.about[row.row_id])

    def repeat(self, row, random):
        return [row, row], (DifferenceKind.DUPLICATED, row.row_id)

    def double(self, row, random):
        other = replace(row, row_id=_new_row(random))
        return [row, other], (DifferenceKind.DUPLICATED, self.about[row.row_id])


def honest(made: Sequence[Made], random: Random, *, fees: int = 2) -> Report:
    """
    Return what an honest PSP says of *made*, in any order. What it moved wrongly, it says.
    """
    rows = [row for each in made for row in each.rows] + others(random, fees)
    random.shuffle(rows)
    return Report(rows, Counter(finding for each in made for finding in each.findings))


def lie(report: Report, liar: Liar, lies: Sequence[Lie], random: Random) -> Report:
    """
    Return *report* with a row changed by each of *lies*, which are all found.
    """
    about_wrong = {about for _, about in report.findings}
    # A payment of several captures that the PSP was not told the names of cannot be told apart.
    sources = Counter((row.source_id, row.kind) for row in report.rows)
    possible = [
        row
        for row in report.rows
        if row.row_id in liar.about
        and liar.about[row.row_id] not in about_wrong
        and (row.transaction_id or sources[row.source_id, row.kind] == 1)
    ]
    changed: dict[str, Sequence[SettlementRow]] = {}
    findings = Counter(report.findings)
    for row, tell in zip(random.sample(possible, len(lies)), lies, strict=True):
        changed[row.row_id], finding = tell(row, random)
        findings[finding] += 1
    rows = [said for row in report.rows for said in changed.get(row.row_id, [row])]
    random.shuffle(rows)
    return Report(rows, findings)


def finding_of(difference: Difference) -> Finding:
    if difference.transaction_id:
        return difference.kind, (difference.transaction_id, difference.movement)
    assert difference.row
    return difference.kind, difference.row.row_id


def _new_row(random: Random) -> str:
    return f"txn_{_id(random).hex}"
