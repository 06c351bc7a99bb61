"""The books, kept in PostgreSQL, which checks every entry and refuses every change."""

from collections.abc import Sequence

from sqlalchemy import text

from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.storage.bulk import insert_rows
from chassis.storage.database import Transaction
from services.payment.adapters.tables import LEDGER_ENTRIES, LEDGER_POSTINGS
from services.payment.domain.ledger import Balance, JournalEntry

_BALANCES = text(
    """
    SELECT account, currency, CAST(sum(amount) AS bigint) AS amount FROM ledger_balances
    GROUP BY account, currency ORDER BY account, currency
    """
)


class SqlLedger:
    """
    The books of one transaction.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def book(self, entries: Sequence[JournalEntry]) -> None:
        booked = [(new_id(), entry) for entry in entries]
        await insert_rows(
            self._tx,
            LEDGER_ENTRIES,
            [
                {
                    "id": entry_id,
                    "occurred_at": entry.occurred_at,
                    "kind": entry.kind,
                    "payment_id": entry.payment_id,
                    "transaction_id": entry.cause_id,
                }
                for entry_id, entry in booked
            ],
        )
        # Last, as this locks the balances that it moves.
        await insert_rows(
            self._tx,
            LEDGER_POSTINGS,
            [
                {
                    "entry_id": entry_id,
                    "line": line,
                    "account": posting.account,
                    "currency": posting.amount.currency,
                    "amount": posting.amount.minor_units,
                }
                for entry_id, entry in booked
                for line, posting in enumerate(entry.postings, start=1)
            ],
        )

    async def balances(self) -> Sequence[Balance]:
        return [
            Balance(row.account, Money(row.amount, row.currency))
            for row in await self._tx.rows(_BALANCES)
        ]
