"""What follows from how a row was matched: entries in the books, and differences to see to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.payment.domain.ledger import EntryKind, JournalEntry, Posting
from services.payment.domain.settlement import differences as correct
from services.payment.domain.settlement.differences import Difference, DifferenceKind
from services.payment.domain.settlement.matching import PAIRED, Match, Outcome
from services.payment.domain.settlement.movements import Movement
from services.payment.domain.settlement.rows import RowKind, SettlementRow, settlement_id_of
from services.payment.domain.values import MerchantId, PspAccount

_KINDS = {
    Outcome.MISSING_HERE: DifferenceKind.MISSING_HERE,
    Outcome.WRONG_AMOUNT: DifferenceKind.WRONG_AMOUNT,
    Outcome.REPEATED: DifferenceKind.DUPLICATED,
    Outcome.DOUBLED: DifferenceKind.DUPLICATED,
}


@dataclass(slots=True)
class Consequences:
    """
    Attributes:
        entries: To book.
        opened: To be seen to by somebody.
        closed: Open differences that a row has explained.
    """

    entries: list[JournalEntry] = field(default_factory=list[JournalEntry])
    opened: list[Difference] = field(default_factory=list[Difference])
    closed: list[UUID] = field(default_factory=list[UUID])


def consequences_of(
    matches: Iterable[Match], account: PspAccount, *, merchant: MerchantId, now: datetime
) -> Consequences:
    """
    Return what follows from *matches*.

    Args:
        merchant: Whose it is if it is about nothing in our books.
    """
    to_do = Consequences()
    for match in matches:
        row, movement = match.placed.row, match.movement
        if match.outcome is Outcome.MATCHED:
            postings = _settlement(row, movement)
            if postings:
                to_do.entries.append(_entry(account, row, movement, postings, merchant))
        else:
            to_do.opened.append(_row_difference(match, merchant=merchant, now=now))
        if movement and match.outcome in PAIRED:
            if movement.missed_as:
                to_do.closed.append(movement.missed_as)
            if movement.asked:
                to_do.opened.append(_wrong_at_once(match, movement, now=now))
    return to_do


def missing_there(
    movements: Sequence[Movement], report: UUID, *, now: datetime
) -> Sequence[Difference]:
    """
    Return a difference for each of *movements*, which *report* should have had.
    """
    return [
        Difference(
            id=correct.missing_there_id(movement),
            report=report,
            kind=DifferenceKind.MISSING_THERE,
            position=None,
            row=None,
            transaction_id=movement.transaction_id,
            movement=movement.kind,
            payment_id=movement.payment_id,
            merchant=movement.merchant,
            expected=movement.amount,
            proposal=(
                f"The PSP does not know of this {_name(movement.kind)}: ask it. If it never"
                f" happened there, move {movement.amount} from clearing to suspense."
            ),
            correction=correct.unknown_there(movement),
            created_at=now,
        )
        for movement in movements
    ]


def _row_difference(match: Match, *, merchant: MerchantId, now: datetime) -> Difference:
    placed, movement = match.placed, match.movement
    expected = movement.amount if movement and match.outcome is not Outcome.MISSING_HERE else None
    proposal, correction = _proposal(match)
    return Difference(
        id=correct.row_difference_id(placed),
        report=placed.report,
        kind=_KINDS[match.outcome],
        position=placed.position,
        row=placed.row,
        transaction_id=movement.transaction_id if movement else None,
        movement=movement.kind if movement else None,
        payment_id=movement.payment_id if movement else None,
        merchant=movement.merchant if movement else merchant,
        expected=expected,
        proposal=proposal,
        correction=correction,
        created_at=now,
    )


def _proposal(match: Match) -> tuple[str, tuple[Posting, ...]]:
    row, movement = match.placed.row, match.movement
    match match.outcome:
        case Outcome.REPEATED:
            return f"Row {row.row_id} came before: nothing is to be booked.", ()
        case Outcome.DOUBLED:
            return (
                f"The PSP moved {row.gross} a second time: keep it in suspense and have it set"
                " right.",
                correct.unknown_here(row),
            )
        case Outcome.WRONG_AMOUNT if movement:
            return (
                f"The PSP moved {row.gross} and kept {row.fee}, which leaves {row.net}; the books"
                f" say {movement.amount}: settle what came, and keep what is left over in"
                " suspense.",
                correct.settlement_of(row, movement),
            )
        case Outcome.WRONG_AMOUNT:
            return (
                f"{row.gross} less {row.fee} is not {row.net}: book what came, and keep what is"
                " left over in suspense.",
                _settlement(row, None),
            )
        case Outcome.MISSING_HERE if movement:
            return (
                f"What was written off has come: take in {row.net}, book the fee of {row.fee}, and"
                " take the rest out of suspense.",
                correct.unknown_here(row),
            )
        case _:
            return (
                f"The PSP moved {row.gross} and the books know nothing of it: take in {row.net},"
                f" book the fee of {row.fee}, and keep the rest in suspense until it is known"
                " what for.",
                correct.unknown_here(row),
            )


def _wrong_at_once(match: Match, movement: Movement, *, now: datetime) -> Difference:
    assert movement.asked
    return Difference(
        id=correct.wrong_at_once_id(movement),
        report=match.placed.report,
        kind=DifferenceKind.WRONG_AMOUNT,
        position=match.placed.position,
        row=match.placed.row,
        transaction_id=movement.transaction_id,
        movement=movement.kind,
        payment_id=movement.payment_id,
        merchant=movement.merchant,
        expected=movement.asked,
        proposal=(
            f"The PSP was asked for {movement.asked} and moved {movement.amount}: accept it, out"
            " of suspense."
        ),
        correction=correct.accepted(movement, movement.asked),
        created_at=now,
    )


def _settlement(row: SettlementRow, movement: Movement | None) -> tuple[Posting, ...]:
    if movement:
        return correct.settlement_of(row, movement)
    return correct.fee_of(row) if row.kind is RowKind.FEE else correct.payout_of(row)


def _entry(
    account: PspAccount,
    row: SettlementRow,
    movement: Movement | None,
    postings: tuple[Posting, ...],
    merchant: MerchantId,
) -> JournalEntry:
    return JournalEntry(
        kind=EntryKind.SETTLEMENT,
        merchant=movement.merchant if movement else merchant,
        cause_id=settlement_id_of(account, row.row_id),
        payment_id=movement.payment_id if movement else None,
        occurred_at=row.created_at,
        postings=postings,
    )


def _name(kind: EntryKind) -> str:
    return kind.lower().replace("_", " ")
