"""What became of orders, kept in PostgreSQL: as many events as you like in a few statements."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from chassis.kernel.ids import parse_id
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.storage.bulk import upsert_rows
from chassis.storage.database import Transaction
from services.order.adapters import history_tables
from services.order.domain.history.facts import Told
from services.order.domain.history.summary import (
    Funds,
    OrderSummary,
    Promise,
    Returned,
    Work,
)
from services.order.domain.period import ALWAYS, Period
from services.order.domain.values import AccountId, Goods, LocationId, OrderId, OrderStatus

# Two contexts may tell of one order at the same time, and none may overwrite what the other has
# told: one batch after the other. (Locks on rows would not do, as the first event makes the row.)
_LOCK = text("SELECT pg_advisory_xact_lock(x'0B0D'::int, 0)")
_FIND = text("SELECT * FROM order_history WHERE order_id = ANY(CAST(:ids AS uuid[]))")
_PAGE = text(
    """
    SELECT * FROM order_history
    WHERE account_id = :account_id
        AND order_id >= CAST(:first AS uuid) AND order_id < CAST(:end AS uuid)
        AND (CAST(:placed_from AS timestamptz) IS NULL
            OR placed_at >= CAST(:placed_from AS timestamptz))
        AND (CAST(:placed_before AS timestamptz) IS NULL
            OR placed_at < CAST(:placed_before AS timestamptz))
        AND (CAST(:statuses AS text[]) = '{}' OR status = ANY(CAST(:statuses AS text[])))
    ORDER BY order_id DESC LIMIT :limit
    """
)


class SqlOrderHistory:
    """
    Hears what a transaction was told when it ends: under a lock, in three statements.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._told: list[Told] = []

    def note(self, told: Sequence[Told]) -> None:
        if not self._told:
            self._tx.before_commit(self._write)
        self._told += told

    async def page(
        self,
        account_id: AccountId,
        *,
        before: OrderId | None,
        statuses: Sequence[OrderStatus],
        limit: int,
        period: Period = ALWAYS,
    ) -> Sequence[OrderSummary]:
        rows = await self._tx.rows(
            _PAGE,
            {
                "account_id": account_id,
                "first": period.first_id,
                "end": period.end_id(before),
                "placed_from": period.placed_from,
                "placed_before": period.placed_before,
                "statuses": list(statuses),
                "limit": limit,
            },
        )
        return [summary_from_row(row) for row in rows]

    async def find(self, order_ids: Sequence[OrderId]) -> dict[OrderId, OrderSummary]:
        rows = await self._tx.rows(_FIND, {"ids": list(order_ids)})
        return {OrderId(row.order_id): summary_from_row(row) for row in rows}

    async def lock(self) -> None:
        """
        Let nobody else change the history until the transaction ends.
        """
        await self._tx.rows(_LOCK)

    async def save(self, summaries: Sequence[OrderSummary]) -> None:
        rows = [row_from_summary(summary) for summary in summaries]
        await upsert_rows(self._tx, history_tables.order_history, rows, key=("order_id",))

    async def _write(self) -> None:
        told, self._told = self._told, []
        await self.lock()
        # Only now: what others have changed before is seen by a statement of its own.
        known = await self.find(list({each.order_id for each in told}))
        changed: dict[OrderId, OrderSummary] = {}
        for each in told:
            summary = known.setdefault(each.order_id, OrderSummary(order_id=each.order_id))
            if summary.hear(each):
                changed[each.order_id] = summary
        await self.save([*changed.values()])


def summary_from_row(row: Row[Any]) -> OrderSummary:
    return OrderSummary(
        order_id=OrderId(row.order_id),
        promise=Promise(
            version=row.order_version,
            account_id=AccountId(row.account_id),
            status=OrderStatus(row.status),
            reason=row.reason,
            grand_total=Money(row.grand_total, row.currency),
            goods=tuple(Goods(sku=Sku(sku), units=units) for sku, units in row.goods),
            units_at={LocationId(at): units for at, units in row.units_at.items()},
            placed_at=row.placed_at,
            confirmed_at=row.confirmed_at,
            ended_at=row.ended_at,
        ),
        funds=Funds(
            version=row.payment_version,
            authorized=row.authorized,
            voided=row.voided,
            captured=row.captured,
            refunded=row.refunded,
            charged_back=row.charged_back,
        ),
        works={parse_id(id_, "works"): _work_from_json(work) for id_, work in row.works.items()},
        returns={parse_id(id_, "returns"): Returned(**said) for id_, said in row.returns.items()},
    )


def _work_from_json(work: Mapping[str, Any]) -> Work:
    times = {name: _time(work[name]) for name in ("dispatched_at", "delivered_at")}
    return Work(**{**work, **times})


def _time(text_: str | None) -> datetime | None:
    return datetime.fromisoformat(text_) if text_ else None


def row_from_summary(summary: OrderSummary) -> dict[str, Any]:
    promise, funds = summary.promise, summary.funds
    return {
        "order_id": summary.order_id,
        "account_id": promise.account_id,
        "status": promise.status,
        "payment_status": summary.payment_status,
        "fulfillment_status": summary.fulfillment_status,
        "reason": promise.reason,
        "currency": promise.grand_total.currency,
        "grand_total": promise.grand_total.minor_units,
        "goods": [(item.sku, item.units) for item in promise.goods],
        "units_at": promise.units_at,
        "placed_at": promise.placed_at,
        "confirmed_at": promise.confirmed_at,
        "ended_at": promise.ended_at,
        "authorized": funds.authorized,
        "voided": funds.voided,
        "captured": funds.captured,
        "refunded": funds.refunded,
        "charged_back": funds.charged_back,
        "works": {str(id_): work for id_, work in summary.works.items()},
        "returns": {str(id_): taken for id_, taken in summary.returns.items()},
        "order_version": promise.version,
        "payment_version": funds.version,
    }
