"""All invariants there are."""

from deploy.local.invariants import (
    events,
    goods,
    history,
    money,
    orders,
    psp,
    returns,
    settlement,
    stock,
    work,
)

INVARIANTS = (
    *stock.INVARIANTS,
    *money.INVARIANTS,
    *psp.INVARIANTS,
    *settlement.INVARIANTS,
    *orders.INVARIANTS,
    *goods.INVARIANTS,
    *work.INVARIANTS,
    *returns.INVARIANTS,
    *history.INVARIANTS,
    *events.INVARIANTS,
)
