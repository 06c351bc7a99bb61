import asyncio
from contextlib import suppress

from services.order.domain.cart import CartState
from services.order.entrypoints import timers
from services.order.entrypoints.timers import expire_overdue_carts
from tests.unit.order.shopper import Shopper


async def test_the_timer_expires_carts(world, monkeypatch):
    monkeypatch.setattr(timers, "SWEEP_SECONDS", 0.01)
    cart = await Shopper(world).create()
    world.later(days=15)

    timer = asyncio.create_task(expire_overdue_carts(uow=world.uow, clock=world.clock))
    async with asyncio.timeout(5):
        while world.carts[cart.id].state is CartState.OPEN:
            await asyncio.sleep(0.01)
    timer.cancel()
    with suppress(asyncio.CancelledError):
        await timer
