"""Counts on their way: from this process to a cache server, and from there to the database."""

import asyncio
import logging
import time
from datetime import date
from uuid import UUID

from redis.exceptions import RedisError

from chassis.kernel.text import Sku
from chassis.outages import is_outage
from chassis.storage.database import Database
from services.product.adapters.activity import Batch, keep_batch
from services.product.adapters.shared_counts import SharedCounts
from services.product.domain.values import ProductId

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
DRAIN_SECONDS = 3.0
PATIENCE_SECONDS = 5.0
# Counts that fit in here while nothing takes them: products, and SKUs.
MOST_GATHERED = 20_000


class Counters:
    """
    Gathers counts in this process, and moves them on every second.

    Without a cache server, or while it is silent, they go to the database from here, in batches.
    An addition that was sent and not answered may have been counted: it is sent again, to the same
    server and under the same id, until there is an answer. If the process ends before that, it goes
    to the database, and counts twice if the server had it after all. What dies with the process, or
    with the server, is lost.

    Args:
        url: Of the cache server; empty: there is none.
        most: How many different products are counted between two moves; of further ones, counts
            are dropped. So a flood of made-up ids costs memory for a second, and no more of it.
        patience_seconds: How long nothing else is tried when the cache server is silent.
    """

    def __init__(
        self,
        database: Database,
        *,
        url: str = "",
        most: int = MOST_GATHERED,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._database = database
        self._shared = SharedCounts(url) if url else None
        self._most = most
        self._patience_seconds = patience_seconds
        self._views: dict[tuple[date, UUID], int] = {}
        self._sold: dict[tuple[date, str], int] = {}
        self._unanswered: Batch | None = None
        self._unkept: Batch | None = None
        self._answered_at = time.monotonic()
        self._moving = asyncio.Lock()

    def viewed(self, product_id: ProductId, count: int, *, day: date) -> None:
        key = (day, product_id)
        if key in self._views or len(self._views) < self._most:
            self._views[key] = self._views.get(key, 0) + count

    def sold(self, sku: Sku, units: int, *, day: date) -> None:
        key = (day, sku)
        if key in self._sold or len(self._sold) < self._most:
            self._sold[key] = self._sold.get(key, 0) + units

    async def flush(self, *, at_last: bool = False) -> None:
        """
        Move on what has gathered.

        Args:
            at_last: Whether this process ends: what the cache server does not take goes to the
                database now.
        """
        async with self._moving:
            if self._shared and await self._flush_to(self._shared) and not self._unkept:
                return
            silent = time.monotonic() - self._answered_at
            if at_last or self._unkept or not self._shared or silent > self._patience_seconds:
                if at_last and (batch := self._unanswered):
                    await keep_batch(self._database, batch)
                    self._unanswered = None
                await self._keep()

    async def drain(self) -> None:
        """
        Bring what all replicas have gathered in the cache server to the database.

        Safe to repeat, and for several workers at once: see SharedCounts.
        """
        if self._shared is None:
            return
        try:
            while batch := await self._shared.take():
                await keep_batch(self._database, batch)
                await self._shared.finish(batch)
        except (RedisError, OSError) as error:
            log.warning("counts: the cache server: %s", type(error).__name__)

    async def close(self) -> None:
        """
        Move on what is left, to the very end: the cache server may be stopped next.
        """
        try:
            await self.flush(at_last=True)
            await self.drain()
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("counts are lost: %s: %s", type(error).__name__, error)
        if self._shared:
            await self._shared.close()

    async def _flush_to(self, shared: SharedCounts) -> bool:
        try:
            if self._unanswered:
                await shared.add(self._unanswered)
                self._unanswered = None
            if batch := self._pull():
                self._unanswered = batch
                await shared.add(batch)
                self._unanswered = None
        except (RedisError, OSError) as error:
            log.warning("counts: the cache server: %s", type(error).__name__)
            return False
        self._answered_at = time.monotonic()
        return True

    async def _keep(self) -> None:
        # Whether a batch that failed is counted is not known; its id is, so it is tried again as
        # it is, before anything else.
        while batch := self._unkept or self._pull():
            self._unkept = batch
            await keep_batch(self._database, batch)
            self._unkept = None

    def _pull(self) -> Batch | None:
        if not self._views and not self._sold:
            return None
        batch = Batch(views=self._views, sold=self._sold)
        self._views, self._sold = {}, {}
        return batch
