"""A replica of the product service, with a planted mistake: `python -m tests.race.replica NAME`."""

import asyncio
import sys
from dataclasses import replace

import uvloop

from chassis.settings import read_settings
from chassis.storage.database import Write
from services.product.__main__ import main
from services.product.adapters import stock_items
from services.product.domain.reservation import Reservation
from services.product.domain.stock_item import StockItem
from services.product.settings import Settings


def rows_unchecked():
    """
    Whether the stock was there to be changed is never asked.
    """

    def write(**parts):
        return replace(Write(**parts), rows=None)

    stock_items.Write = write


def checked_before_the_lock():
    """
    What was there when it was looked at is believed to be there still. (Two that both tell of the
    last unit would meet at the outbox, which is one more wall: here nobody tells.)
    """
    look = stock_items.SqlStockItems.of

    async def look_and_dawdle(self, skus):
        items = await look(self, skus)
        await asyncio.sleep(0.1)
        return items

    stock_items.SqlStockItems.of = look_and_dawdle
    StockItem._tell_turn = lambda *_, **__: None
    change, _, _ = stock_items._MOVE.partition("    AND (change.told = 0")
    assert change != stock_items._MOVE
    stock_items._MOVE = change


def confirmed_after_expiry():
    """
    A hold counts for as long as nobody has come round to end it.
    """
    confirm = Reservation.confirm

    def confirm_late(self, stock, *, now):
        if self.is_overdue(now):
            now = self.expires_at.replace(year=self.expires_at.year - 1)
        confirm(self, stock, now=now)

    Reservation.confirm = confirm_late


MISTAKES = {
    mistake.__name__: mistake
    for mistake in (rows_unchecked, checked_before_the_lock, confirmed_after_expiry)
}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        MISTAKES[name]()
    uvloop.run(main(read_settings(Settings)))
