import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

from chassis.kernel.money import Money
from services.payment.domain.values import NoAnswer, TransactionKind
from services.payment.entrypoints.timers import keep_resolving


async def test_resolving_goes_on_after_an_outage(world, payment_id):
    world.psp.answers = [NoAnswer()]
    await world.authorize(payment_id)
    world.now += timedelta(seconds=6)
    outages = [ConnectionRefusedError(), ZeroDivisionError()]

    @asynccontextmanager
    async def uow():
        if outages:
            raise outages.pop()
        async with world.uow() as tx:
            yield tx

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        timer = tasks.create_task(keep_resolving(uow=uow, psp=world.psp, clock=world.clock))
        while world.payments[payment_id].open_transactions:
            await asyncio.sleep(0.01)
        timer.cancel()

    settled = world.payments[payment_id].settled(TransactionKind.AUTHORIZATION)
    assert settled == Money(100_00, "EUR")
