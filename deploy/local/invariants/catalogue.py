"""All invariants there are."""

from deploy.local.invariants import events, goods, money, orders, stock

INVARIANTS = (
    *stock.INVARIANTS,
    *money.INVARIANTS,
    *orders.INVARIANTS,
    *goods.INVARIANTS,
    *events.INVARIANTS,
)
