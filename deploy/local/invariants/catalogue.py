"""All invariants there are."""

from deploy.local.invariants import events, goods, history, money, orders, stock

INVARIANTS = (
    *stock.INVARIANTS,
    *money.INVARIANTS,
    *orders.INVARIANTS,
    *goods.INVARIANTS,
    *history.INVARIANTS,
    *events.INVARIANTS,
)
