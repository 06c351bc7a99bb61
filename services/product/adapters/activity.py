"""Views and sales by product and day, kept in PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import text

from chassis.kernel.ids import new_id
from chassis.kernel.text import Sku
from chassis.storage.database import Database, Transaction
from services.product.application.ports.activity import Counts, ProductActivity
from services.product.domain.values import ProductId

Keys = Mapping[tuple[date, UUID], int]
SkuKeys = Mapping[tuple[date, str], int]

# One writer at a time: batches of several writers meet in the same rows in any order.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('product_activity'))")
# Ids of batches stay for longer than a batch can lie about uncounted.
_BEGIN = text(
    """
    WITH old AS (DELETE FROM activity_batches WHERE counted_at < now() - interval '7 days')
    INSERT INTO activity_batches (id, counted_at) VALUES (:id, now())
    ON CONFLICT (id) DO NOTHING RETURNING id
    """
)
_COUNT = text(
    """
    WITH counted AS (
        SELECT product_id, day, sum(views)::bigint AS views, sum(sold)::bigint AS sold
        FROM (
            SELECT products.id AS product_id, day, n AS views, 0 AS sold
            FROM unnest(CAST(:view_ids AS uuid[]), CAST(:view_days AS date[]),
                CAST(:views AS bigint[])) AS given (id, day, n)
            JOIN products ON products.id = given.id
            UNION ALL
            SELECT product_id, day, 0, n
            FROM unnest(CAST(:skus AS text[]), CAST(:sold_days AS date[]),
                CAST(:sold AS bigint[])) AS given (sku, day, n)
            JOIN variants USING (sku)
        ) AS each
        GROUP BY product_id, day
    ), by_day AS (
        INSERT INTO product_activity AS kept (product_id, day, views, sold)
        SELECT product_id, day, views, sold FROM counted
        ON CONFLICT (product_id, day) DO UPDATE
        SET views = kept.views + excluded.views, sold = kept.sold + excluded.sold
    )
    INSERT INTO product_activity_totals AS kept (product_id, views, sold)
    SELECT product_id, sum(views), sum(sold) FROM counted GROUP BY product_id
    ON CONFLICT (product_id) DO UPDATE
    SET views = kept.views + excluded.views, sold = kept.sold + excluded.sold
    """
)
_OF = text(
    """
    SELECT totals.product_id, totals.views, totals.sold,
        coalesce(today.views, 0) AS views_today, coalesce(today.sold, 0) AS sold_today
    FROM product_activity_totals AS totals
    LEFT JOIN product_activity AS today
        ON today.product_id = totals.product_id AND today.day = CAST(:day AS date)
    WHERE totals.product_id = ANY(CAST(:ids AS uuid[]))
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """
    Counts that reach the database together, once.

    Attributes:
        id: By which the batch is known when it is written again.
        views: By day and product.
        sold: Units by day and SKU.
    """

    id: UUID = field(default_factory=new_id)
    views: Keys
    sold: SkuKeys


class SqlActivity:
    """
    Reads what is kept, and hands what was sold to the counts when the transaction has committed.
    """

    def __init__(self, tx: Transaction, counts: Counts | None) -> None:
        self._tx = tx
        self._counts = counts

    async def of(self, product_ids: Sequence[ProductId], *, day: date) -> Sequence[ProductActivity]:
        rows = await self._tx.rows(_OF, {"ids": list(product_ids), "day": day})
        known = {
            row.product_id: ProductActivity(
                product_id=ProductId(row.product_id),
                views_today=row.views_today,
                views=row.views,
                sold_today=row.sold_today,
                sold=row.sold,
            )
            for row in rows
        }
        return [known.get(id_) or ProductActivity(product_id=id_) for id_ in product_ids]

    def count_sold(self, units: Mapping[Sku, int], *, day: date) -> None:
        counts = self._counts
        if counts is None or not units:
            return

        def count() -> None:
            for sku, number in units.items():
                counts.sold(sku, number, day=day)

        self._tx.after_commit(count)


async def keep_batch(database: Database, batch: Batch) -> None:
    """
    Add *batch* to what is kept; counts of unknown products are dropped.

    Safe to repeat: the batch's id is written in the same transaction, and known ones are left.
    """
    async with database.begin() as tx:
        await tx.rows(_ONE_AT_A_TIME)
        if not await tx.rows(_BEGIN, {"id": batch.id}):
            return
        await tx.run(
            _COUNT,
            {
                "view_ids": [id_ for _, id_ in batch.views],
                "view_days": [day for day, _ in batch.views],
                "views": list(batch.views.values()),
                "skus": [sku for _, sku in batch.sold],
                "sold_days": [day for day, _ in batch.sold],
                "sold": list(batch.sold.values()),
            },
        )
