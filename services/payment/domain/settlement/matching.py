"""
Rows of a settlement report, each held beside what the books have.

A row is about a movement if it names its transaction, or else the money that it was taken from.
First come the rows that agree with the books to the cent; only then the others. So no wrong row
takes the place of a right one, in whatever order they come.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.payment.domain.ledger import EntryKind
from services.payment.domain.settlement.movements import Movement, MovementKey, Standing
from services.payment.domain.settlement.rows import PlacedRow, RowKind, SettlementRow
from services.payment.domain.values import TransactionId


class Outcome(StrEnum):
    MATCHED = "MATCHED"
    MISSING_HERE = "MISSING_HERE"
    WRONG_AMOUNT = "WRONG_AMOUNT"
    # The PSP's id of it was there before.
    REPEATED = "REPEATED"
    # Our transaction was there before, under another id of the PSP's.
    DOUBLED = "DOUBLED"


# Rows that stand for a movement of their own.
PAIRED = (Outcome.MATCHED, Outcome.WRONG_AMOUNT)

_OF_REPORT_ALONE = (RowKind.FEE, RowKind.PAYOUT)


@dataclass(frozen=True, slots=True)
class Match:
    """
    What came of a row, and the movement that it is about; `None` if there is none.
    """

    placed: PlacedRow
    outcome: Outcome
    movement: Movement | None = None


@dataclass(slots=True)
class Matcher:
    """
    Matches rows of one account, some at a time.

    Attributes:
        movements: All that the rows may be about.
        known_rows: The ids of rows that were seen to before.
    """

    movements: Collection[Movement]
    known_rows: Collection[str]
    _seen: set[str] = field(init=False)
    _taken: set[MovementKey] = field(init=False)
    _by_id: dict[MovementKey, Movement] = field(init=False)
    _by_source: dict[tuple[str, EntryKind], list[Movement]] = field(init=False)

    def __post_init__(self) -> None:
        self._seen = set(self.known_rows)
        self._taken = {
            each.key for each in self.movements if each.standing is not Standing.UNSETTLED
        }
        self._by_id = {each.key: each for each in self.movements}
        by_source = defaultdict(list)
        for each in sorted(self.movements, key=lambda movement: movement.transaction_id):
            by_source[each.source_id, each.kind].append(each)
        self._by_source = dict(by_source)

    def match_exactly(self, rows: Iterable[PlacedRow]) -> Sequence[Match]:
        """
        Return what came of those *rows* that agree to the cent, or say again what was said.
        """
        return [match for placed in rows if (match := self._exactly(placed))]

    def match_rest(self, rows: Iterable[PlacedRow]) -> Sequence[Match]:
        """
        Return what came of *rows*: all that agree were seen to before.
        """
        return [self._exactly(placed) or self._otherwise(placed) for placed in rows]

    def _exactly(self, placed: PlacedRow) -> Match | None:
        row = placed.row
        if row.row_id in self._seen:
            return Match(placed, Outcome.REPEATED)
        if not row.adds_up:
            return None
        if row.kind in _OF_REPORT_ALONE:
            self._seen.add(row.row_id)
            return Match(placed, Outcome.MATCHED)
        for movement in self._candidates(row):
            if movement.key not in self._taken and movement.amount == row.gross:
                return self._pair(placed, Outcome.MATCHED, movement)
        return None

    def _otherwise(self, placed: PlacedRow) -> Match:
        row = placed.row
        if row.kind in _OF_REPORT_ALONE:
            self._seen.add(row.row_id)
            return Match(placed, Outcome.WRONG_AMOUNT)
        candidates = self._candidates(row)
        for movement in candidates:
            if movement.key not in self._taken:
                return self._pair(placed, Outcome.WRONG_AMOUNT, movement)
        self._seen.add(row.row_id)
        alike = [each for each in candidates if each.amount == row.gross] or candidates
        for movement in alike:
            # It is in suspense, and this row is what takes it out of there.
            if movement.standing is Standing.WRITTEN_OFF:
                return Match(placed, Outcome.MISSING_HERE, movement)
        if alike:
            return Match(placed, Outcome.DOUBLED, alike[0])
        return Match(placed, Outcome.MISSING_HERE)

    def _candidates(self, row: SettlementRow) -> Sequence[Movement]:
        kind = row.kind.entry_kind
        if kind is None:
            return ()
        if row.transaction_id is not None:
            known = self._by_id.get((TransactionId(row.transaction_id), kind))
            return (known,) if known else ()
        return self._by_source.get((row.source_id, kind), ())

    def _pair(self, placed: PlacedRow, outcome: Outcome, movement: Movement) -> Match:
        self._seen.add(placed.row.row_id)
        self._taken.add(movement.key)
        return Match(placed, outcome, movement)
