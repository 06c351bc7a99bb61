"""What reconciliation needs from the outside, in its own words."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.kernel.errors import InvalidInput, NotFound
from services.payment.application.ports import Ledger
from services.payment.domain.settlement.differences import (
    Difference,
    DifferenceKind,
    DifferenceState,
)
from services.payment.domain.settlement.matching import Match
from services.payment.domain.settlement.movements import Movement
from services.payment.domain.settlement.report import Report
from services.payment.domain.settlement.rows import PlacedRow, SettlementRow
from services.payment.domain.values import MerchantId, PspAccount


class PspAccountUnknown(InvalidInput):
    pass


class SettlementReportNotFound(NotFound):
    pass


class DifferenceNotFound(NotFound):
    pass


class SettledAccounts(Protocol):
    """
    The accounts at the PSP: configuration.
    """

    def names(self) -> Sequence[PspAccount]: ...

    def merchant_of(self, account: PspAccount) -> MerchantId:
        """
        Return in whose books an account's fees go, and what is about no payment that is known.

        Raises:
            PspAccountUnknown: There is no such account.
        """
        ...


class SettlementReports(Protocol):
    """
    What the PSP says it has moved.
    """

    def rows(
        self, account: PspAccount, *, since: datetime, until: datetime, after: str
    ) -> AsyncIterator[Sequence[SettlementRow]]:
        """
        Return the rows of *account* from *since* inclusive to *until* exclusive, some at a time
        and always in the same order: those behind the row *after*, or all if it is empty.
        """
        ...


class Reports(Protocol):
    """
    The settlement reports there are.
    """

    async def get(self, report: UUID) -> Report:
        """
        Raises:
            SettlementReportNotFound: There is no such report.
        """
        ...

    async def open(self, blank: Report) -> Report:
        """
        Return the report of *blank*'s id, or *blank* as a new one. Its account is locked until
        the transaction ends: what is matched at the same time is matched one after the other.
        """
        ...

    async def save(self, report: Report) -> None: ...

    async def counts(
        self, report: UUID
    ) -> Mapping[DifferenceKind, Mapping[DifferenceState, int]]: ...

    async def first_began_at(self, account: PspAccount) -> datetime:
        """
        Return the earliest time that any report of *account* covers.
        """
        ...


class SettlementRows(Protocol):
    """
    The rows of all reports.
    """

    async def add(self, account: PspAccount, rows: Sequence[PlacedRow]) -> int:
        """
        Write those of *rows* whose places are still empty, and return how many that was.

        Raises:
            RowMismatch: Another row stands in the place of one of them.
        """
        ...

    async def last_id(self, report: Report) -> str:
        """
        Return the id of the row with the highest place; empty if there is none.
        """
        ...

    async def undecided(self, report: Report, *, limit: int) -> Sequence[PlacedRow]:
        """
        Return the next rows behind the report's position that nothing came of so far.
        """
        ...

    async def known_among(self, account: PspAccount, rows: Sequence[PlacedRow]) -> Collection[str]:
        """
        Return which ids of *rows* belong to rows of *account* that something came of.
        """
        ...

    async def decide(self, matches: Sequence[Match]) -> None:
        """
        Write down what came of rows.
        """
        ...


class Movements(Protocol):
    """
    What the books have in the PSP's clearing account.
    """

    async def about(self, account: PspAccount, rows: Sequence[PlacedRow]) -> Sequence[Movement]:
        """
        Return all movements that *rows* may be about.
        """
        ...

    async def unsettled(
        self, report: Report, *, begins: datetime, ends: datetime, since: datetime, limit: int
    ) -> tuple[Sequence[Movement], UUID | None]:
        """
        Return which of the next movements behind the report's cursor, booked from *begins* to
        *ends* and asked for since *since*, no report had; and where to go on, `None` at the end.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceFilter:
    """
    Attributes:
        report, kind: `None`: of any.
    """

    report: UUID | None
    kind: DifferenceKind | None
    state: DifferenceState


# When a difference was noticed, and its id: later ones sort after it.
DifferencePlace = tuple[datetime, UUID]


class Differences(Protocol):
    """
    Every difference there was.
    """

    async def open(self, difference_id: UUID) -> Difference:
        """
        Return it. Its account is locked until the transaction ends.

        Raises:
            DifferenceNotFound: There is no such difference.
        """
        ...

    async def add(self, account: PspAccount, differences: Sequence[Difference]) -> None:
        """
        Write those of *differences* that are new.
        """
        ...

    async def save(self, difference: Difference) -> None: ...

    async def dismiss(self, ids: Sequence[UUID], *, reason: str, now: datetime) -> None:
        """
        Close those of *ids* that are open.
        """
        ...

    async def missing_here(
        self, account: PspAccount, *, after: UUID, limit: int
    ) -> Sequence[Difference]:
        """
        Return the next open differences behind *after* whose row the books knew nothing of, by id.
        """
        ...

    async def count_open(self) -> Mapping[DifferenceKind, int]: ...

    async def page(
        self, wanted: DifferenceFilter, *, after: DifferencePlace | None, limit: int
    ) -> Sequence[Difference]:
        """
        Return the differences that are *wanted*, the oldest first.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    A time of which an account's report is being fetched.
    """

    account: PspAccount
    begins: datetime
    ends: datetime

    @property
    def report_id(self) -> str:
        return f"{self.begins:%Y-%m-%dT%H:%M:%SZ}/{self.ends:%Y-%m-%dT%H:%M:%SZ}"


class Windows(Protocol):
    """
    Which time of each account was fetched: each once, without gaps.
    """

    async def open(self, account: PspAccount, *, until: datetime) -> Window | None:
        """
        Return the window that was begun and not finished, or else begin one that ends at
        *until*; `None` if there is no time left between the last and *until*.
        """
        ...

    async def close(self, window: Window) -> None:
        """
        Note that everything of *window* is in the books. Again, it changes nothing.
        """
        ...

    async def claim_due(
        self, accounts: Iterable[PspAccount], *, now: datetime, until: datetime
    ) -> PspAccount | None:
        """
        Return which of *accounts* has been due the longest, and leave it to the caller: until
        *until* it is due to nobody else. `None` if none is due.
        """
        ...

    async def closed_until(self) -> Mapping[PspAccount, datetime]:
        """
        Return until when each account is reconciled; those that never were are left out.
        """
        ...

    async def put_off(self, account: PspAccount, *, until: datetime) -> None: ...


class Transaction(Protocol):
    """
    What one database transaction can reach.
    """

    @property
    def reports(self) -> Reports: ...

    @property
    def rows(self) -> SettlementRows: ...

    @property
    def movements(self) -> Movements: ...

    @property
    def differences(self) -> Differences: ...

    @property
    def windows(self) -> Windows: ...

    @property
    def ledger(self) -> Ledger: ...


# Call it to begin. The block commits when it ends and rolls back when it raises.
ReconciliationUnitOfWork = Callable[[], AbstractAsyncContextManager[Transaction]]
