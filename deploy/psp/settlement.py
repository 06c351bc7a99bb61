"""The settlement report: each change of a merchant's balance, a row each, as CSV."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from deploy.psp.currencies import minor_units
from deploy.psp.records import Movement
from deploy.psp.shapes import MOVEMENTS

COLUMNS = (
    "row_id",
    "kind",
    "source_id",
    "transaction_id",
    "currency",
    "gross",
    "fee",
    "net",
    "create_time",
)
KINDS = {
    "charge": "CAPTURE",
    "refund": "REFUND",
    "refund_failure": "REFUND_FAILURE",
    "dispute": "CHARGEBACK",
    "dispute_reversal": "CHARGEBACK_REVERSAL",
    "payout": "PAYOUT",
}
ROWS_AT_ONCE = 2_000


async def report(pool: Any, account: str, begin: int, end: int) -> AsyncIterator[bytes]:
    """
    Yield the report of what happened from *begin* until before *end*, in pieces.

    Its rows add up to what the merchant's balance has changed by. It is complete if *end* is not
    in the future.
    """
    yield lines([COLUMNS])
    async with pool.acquire() as connection, connection.transaction():
        waiting: list[tuple[str, ...]] = []
        async for row in connection.cursor(_MOVEMENTS, account, begin, end, prefetch=ROWS_AT_ONCE):
            waiting.append(cells(MOVEMENTS.record(row)))
            if len(waiting) == ROWS_AT_ONCE:
                yield lines(waiting)
                waiting = []
        yield lines(waiting)


def cells(movement: Movement) -> tuple[str, ...]:
    of_charge = movement.category == "charge"
    return (
        movement.id,
        KINDS[movement.category],
        movement.payment if of_charge else movement.source,
        transaction_id(movement.reference),
        movement.currency,
        *(
            str(minor_units(amount, movement.currency))
            for amount in (movement.amount, movement.fee, movement.net)
        ),
        datetime.fromtimestamp(movement.created, UTC).isoformat(),
    )


def transaction_id(reference: str) -> str:
    """
    Return what the merchant calls it, if that is an id as merchants use them: a UUID.
    """
    try:
        return str(UUID(reference))
    except ValueError:
        return ""


def lines(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


_MOVEMENTS = f"""
    SELECT {", ".join(MOVEMENTS.columns)} FROM movements
    WHERE account = $1 AND created >= $2 AND created < $3
    ORDER BY created, position
"""
