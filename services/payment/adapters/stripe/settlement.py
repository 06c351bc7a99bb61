"""What changed the balance at Stripe, as rows of a settlement report."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.payment.adapters.stripe import marks
from services.payment.adapters.stripe.amounts import money_of
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.application.reconciliation.ports import PspAccountUnknown
from services.payment.domain.settlement.rows import RowKind, SettlementRow
from services.payment.domain.values import PspAccount, TransactionId

_KINDS = {
    "charge": RowKind.CAPTURE,
    "refund": RowKind.REFUND,
    "refund_failure": RowKind.REFUND_FAILURE,
    "dispute": RowKind.CHARGEBACK,
    "dispute_reversal": RowKind.CHARGEBACK_REVERSAL,
    "fee": RowKind.FEE,
    "network_cost": RowKind.FEE,
    "tax": RowKind.FEE,
    "payout": RowKind.PAYOUT,
    "payout_reversal": RowKind.PAYOUT,
}

Object = Mapping[str, Any]


class PspAway(OSError):
    """
    The PSP does not tell what it has moved. Asked again later it may.
    """


class StripeSettlementReports:
    """
    Reads the balance of each account, page by page.
    """

    def __init__(self, accounts: Mapping[PspAccount, StripeAccount]) -> None:
        self._accounts = accounts

    async def rows(
        self, account: PspAccount, *, since: datetime, until: datetime, after: str
    ) -> AsyncIterator[Sequence[SettlementRow]]:
        if account not in self._accounts:
            raise PspAccountUnknown(f"there is no account {account!r}", field="psp_account")
        pages = self._accounts[account].balance_transactions(since, until, after=after)
        async for page in pages:
            if not page.is_success:
                raise PspAway(f"the PSP answers {page.status} about its balance")
            if page.body["data"]:
                yield [row_from_stripe(each) for each in page.body["data"]]


def row_from_stripe(changed: Object) -> SettlementRow:
    """
    Return *changed*, a balance transaction with its source. What we have no word for counts as
    something taken or paid back, which our books know nothing of: so somebody will look at it.
    """
    gross = money_of(changed["amount"], changed["currency"])
    unknown = RowKind.CAPTURE if gross.minor_units > 0 else RowKind.REFUND
    kind = _KINDS.get(changed["reporting_category"], unknown)
    source = changed["source"] if isinstance(changed["source"], Mapping) else {}
    of_capture = kind is RowKind.CAPTURE and source.get("payment_intent")
    return SettlementRow(
        row_id=changed["id"],
        kind=kind,
        source_id=_id_of(source["payment_intent"] if of_capture else changed["source"]),
        transaction_id=_transaction_of(kind, source),
        gross=gross,
        fee=money_of(changed["fee"], changed["currency"]),
        net=money_of(changed["net"], changed["currency"]),
        created_at=datetime.fromtimestamp(changed["created"], UTC),
    )


def _transaction_of(kind: RowKind, source: Object) -> TransactionId | None:
    metadata = source.get("metadata") or {}
    match kind:
        case RowKind.REFUND | RowKind.REFUND_FAILURE:
            return marks.transaction_in(metadata, marks.TRANSACTION)
        case RowKind.CAPTURE:
            # Of several it does not say which; then the amount does.
            captures = [id_ for id_, _ in marks.transactions_in(metadata, marks.CAPTURE)]
            return captures[0] if len(captures) == 1 else None
        case _:
            return None


def _id_of(source: Object | str | None) -> str:
    if isinstance(source, Mapping):
        return str(source.get("id", ""))
    return source or ""
