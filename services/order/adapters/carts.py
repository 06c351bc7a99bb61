"""Carts, kept in PostgreSQL: one row each, read and written whole."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.storage.aggregates import save_aggregates
from chassis.storage.database import Transaction
from services.order.adapters import tables
from services.order.domain.cart import Cart, CartId, CartState
from services.order.domain.cart_item import CartItem
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId, OrderId

_FIND = text("SELECT * FROM carts WHERE id = ANY(CAST(:ids AS uuid[]))")
_LOCK = text(
    "SELECT * FROM carts WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE"
)
# By ids only, so that there is one way to find them, however small the table was at first.
_LOCK_WITH_OPEN = text(
    """
    SELECT * FROM carts
    WHERE id = ANY(
        CAST(:ids AS uuid[])
        || ARRAY(SELECT id FROM carts WHERE account_id = :account_id AND state = 'OPEN')
    )
    ORDER BY id FOR NO KEY UPDATE
    """
)
# What is locked is at work elsewhere: it is changed, and kept for longer, or seen to by another
# replica. It will be due in the next round if it still is.
_LOCK_OVERDUE = text(
    """
    SELECT * FROM carts WHERE expires_at <= CAST(:now AS timestamptz)
    ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    """
)
# A request that comes again when its cart is gone finds no cart: it need not be known any more.
_DELETE = text(
    """
    WITH gone AS (DELETE FROM carts WHERE id = ANY(CAST(:ids AS uuid[])))
    DELETE FROM cart_requests WHERE outcome_id = ANY(CAST(:ids AS uuid[]))
    """
)


class SqlCarts:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def find(self, cart_ids: Collection[CartId]) -> dict[CartId, Cart]:
        return _by_id(await self._tx.rows(_FIND, {"ids": list(cart_ids)}))

    async def lock(
        self, cart_ids: Collection[CartId], *, and_open_of: AccountId | None = None
    ) -> dict[CartId, Cart]:
        ids = {"ids": list(cart_ids)}
        if and_open_of is None:
            return _by_id(await self._tx.rows(_LOCK, ids))
        return _by_id(await self._tx.rows(_LOCK_WITH_OPEN, ids | {"account_id": and_open_of}))

    async def lock_overdue(self, now: datetime, *, limit: int) -> Sequence[Cart]:
        rows = await self._tx.rows(_LOCK_OVERDUE, {"now": now, "limit": limit})
        return [cart_from_row(row) for row in rows]

    async def save(self, carts: Sequence[Cart]) -> None:
        await save_aggregates(self._tx, tables.carts, carts, row_from_cart)

    async def delete(self, carts: Sequence[Cart]) -> None:
        if carts:
            await self._tx.run(_DELETE, {"ids": [cart.id for cart in carts]})


def _by_id(rows: Iterable[Row[Any]]) -> dict[CartId, Cart]:
    return {CartId(row.id): cart_from_row(row) for row in rows}


def cart_from_row(row: Row[Any]) -> Cart:
    items = [_item_from_json(item) for item in row.items]
    return Cart(
        id=CartId(row.id),
        version=row.version,
        account_id=AccountId(row.account_id) if row.account_id else None,
        state=CartState(row.state),
        items={item.sku: item for item in items},
        order_id=OrderId(row.order_id) if row.order_id else None,
        merged_into=CartId(row.merged_into) if row.merged_into else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
    )


def row_from_cart(cart: Cart) -> dict[str, Any]:
    return {
        "id": cart.id,
        "version": cart.version,
        "account_id": cart.account_id,
        "state": cart.state,
        "items": [_item_to_json(item) for item in cart.items.values()],
        "order_id": cart.order_id,
        "merged_into": cart.merged_into,
        "created_at": cart.created_at,
        "updated_at": cart.updated_at,
        "expires_at": cart.expires_at,
    }


def _item_to_json(item: CartItem) -> tuple[Any, ...]:
    seen = item.seen
    breaks = [(least, _money_to_json(price)) for least, price in seen.breaks]
    return item.sku, item.quantity.units, seen.title, _money_to_json(seen.price), breaks


def _item_from_json(item: Sequence[Any]) -> CartItem:
    sku, units, title, price, breaks = item
    seen = SoldVariant(
        title=title,
        price=_money_from_json(price),
        breaks=tuple((least, _money_from_json(each)) for least, each in breaks),
    )
    return CartItem(sku=Sku(sku), quantity=Quantity(units), seen=seen)


def _money_to_json(money: Money) -> tuple[int, str]:
    return money.minor_units, money.currency


def _money_from_json(money: Sequence[Any]) -> Money:
    minor_units, currency = money
    return Money(minor_units, currency)
