"""A settlement report, and how far it has been matched."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID, uuid5

from chassis.kernel.errors import InvalidInput, RuleViolated
from chassis.kernel.text import check_words
from services.payment.domain.settlement.matching import Match, Outcome
from services.payment.domain.settlement.rows import RowKind
from services.payment.domain.values import PspAccount

MOST_CHARACTERS = 200
EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)

_REPORTS = UUID("0c9f0d7e-7b5a-5d0b-8a54-3f3c9a1d2e60")


class PeriodMalformed(InvalidInput):
    pass


class ReportIncomplete(RuleViolated):
    pass


class ReportComplete(RuleViolated):
    """
    More rows come for a report that was said to be whole.
    """


class ReportMismatch(RuleViolated):
    """
    The same report is said to be of another length or time than before.
    """


class ReportState(StrEnum):
    IMPORTING = "IMPORTING"
    MATCHING = "MATCHING"
    RECONCILED = "RECONCILED"


class Step(StrEnum):
    """
    What is done to a report, one after the other.
    """

    # What earlier reports had and our books did not, and now do.
    HEAL = "HEAL"
    # What agrees to the cent.
    EXACT = "EXACT"
    # The other rows.
    REST = "REST"
    # What the books have and the report has not.
    MISSING = "MISSING"
    DONE = "DONE"


_NEXT = {
    Step.HEAL: Step.EXACT,
    Step.EXACT: Step.REST,
    Step.REST: Step.MISSING,
    Step.MISSING: Step.DONE,
}

# Before the first row, and the lowest id.
START = -1
LOWEST = UUID(int=0)


@dataclass(kw_only=True, eq=False, slots=True)
class Report:
    """
    Attributes:
        id: Ours, made of the account and the PSP's.
        rows: How many are in.
        begins, ends: The time it covers; `None` while rows come in.
        step, position, cursor: How far it has been matched: whoever goes on begins behind that
            row, or that id.
        matched: How many rows agree with the books to the cent.
        fees: What the PSP kept, by currency.
    """

    id: UUID
    account: PspAccount
    report_id: str
    state: ReportState = ReportState.IMPORTING
    rows: int = 0
    begins: datetime | None = None
    ends: datetime | None = None
    step: Step = Step.HEAL
    position: int = START
    cursor: UUID = LOWEST
    matched: int = 0
    fees: Counter[str] = field(default_factory=Counter[str])
    reconciled_at: datetime | None = None

    def demand_more_rows(self) -> None:
        """
        Raises:
            ReportComplete: It has been said to be whole.
        """
        if self.state is not ReportState.IMPORTING:
            raise ReportComplete(f"report {self.report_id} has {self.rows} rows, and no more")

    def complete(self, *, rows: int, begins: datetime, ends: datetime) -> None:
        """
        Say that it is whole, and what it covers. Said again, it changes nothing.

        Raises:
            PeriodMalformed: It ends before it begins, or begins before there were PSPs.
            ReportIncomplete: It has another number of rows.
            ReportMismatch: It was said to be something else before.
        """
        if begins < EARLIEST:
            raise PeriodMalformed(f"from_time must be after {EARLIEST:%Y}", field="from_time")
        if not begins < ends:
            raise PeriodMalformed("to_time must be after from_time", field="to_time")
        if self.rows != rows:
            raise ReportIncomplete(f"report {self.report_id} has {self.rows} rows in, not {rows}")
        if self.state is ReportState.IMPORTING:
            self.state = ReportState.MATCHING
            self.begins, self.ends = begins, ends
        elif (self.begins, self.ends) != (begins, ends):
            raise ReportMismatch(f"report {self.report_id} covers {self.begins} to {self.ends}")

    def note(self, matches: Iterable[Match]) -> None:
        """
        Count what came of some rows.
        """
        for match in matches:
            row = match.placed.row
            if match.outcome is Outcome.MATCHED:
                self.matched += 1
            if match.outcome is not Outcome.REPEATED:
                fee = row.fee - row.gross if row.kind is RowKind.FEE else row.fee
                self.fees[fee.currency] += fee.minor_units

    def advance(self, *, now: datetime) -> None:
        """
        Go on to the next step.
        """
        self.step = _NEXT[self.step]
        self.position, self.cursor = START, LOWEST
        if self.step is Step.DONE:
            self.state = ReportState.RECONCILED
            self.reconciled_at = now


def new_report(account: PspAccount, report_id: str) -> Report:
    """
    Raises:
        InvalidInput: *report_id* is no text of 1 to 200 characters, or holds a card number.
    """
    check_words(report_id, "report_id", least=1, most=MOST_CHARACTERS)
    return Report(id=report_key(account, report_id), account=account, report_id=report_id)


def report_key(account: PspAccount, report_id: str) -> UUID:
    return uuid5(_REPORTS, f"{account} {report_id}")
