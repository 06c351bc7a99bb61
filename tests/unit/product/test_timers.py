import asyncio
from contextlib import asynccontextmanager, suppress

from services.product.entrypoints.timers import expire_overdue_holds


async def test_the_timer_expires_holds_also_after_an_outage(world, alice):
    await world.receive("LAMP", 5)
    await world.reserve(alice, LAMP=3)
    world.wait(minutes=10)
    answers = iter([False, False])

    @asynccontextmanager
    async def uow():
        if not next(answers, True):
            raise ConnectionRefusedError
        async with world.uow() as tx:
            yield tx

    timer = asyncio.create_task(expire_overdue_holds(uow=uow, clock=world.clock))
    async with asyncio.timeout(5):
        while world.stock("LAMP").held:
            await asyncio.sleep(0.01)
    timer.cancel()
    with suppress(asyncio.CancelledError):
        await timer

    assert world.stock("LAMP").available == 5
