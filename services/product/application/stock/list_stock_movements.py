"""Use case: page through the journal of a SKU."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.text import Sku
from services.product.application.ports.stock_items import JournalEntry
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.values import LocationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStockMovements:
    """
    Attributes:
        location_id: `None`: at all locations.
        before: Where the page before ended; `None` for the first page.
    """

    sku: Sku
    location_id: LocationId | None
    before: int | None
    page_size: int


async def list_stock_movements(
    query: ListStockMovements, *, uow: UnitOfWork
) -> tuple[Sequence[JournalEntry], int | None]:
    """
    Return a page of the journal, the latest movements first, and where the next page begins, if
    there is one.
    """
    async with uow() as tx:
        # One more than the page shows whether there is a next one.
        entries = await tx.stock_items.journal(
            query.sku, query.location_id, before=query.before, limit=query.page_size + 1
        )
    page = entries[: query.page_size]
    return page, page[-1].position if len(entries) > len(page) else None
