"""The PSP as a whole: its records, its APIs, its deliveries, its clock."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web

from deploy.psp.answers import Answer
from deploy.psp.api import Api
from deploy.psp.clockwork import Clockwork
from deploy.psp.control import Control
from deploy.psp.counter import Counter, Request
from deploy.psp.faults import Faults
from deploy.psp.lane import Lane
from deploy.psp.lists import Reader
from deploy.psp.settings import Settings
from deploy.psp.store import Store, open_store
from deploy.psp.webhooks import Webhooks

log = logging.getLogger(__name__)

DRAIN_SECONDS = 2.0


async def run(settings: Settings) -> None:
    """
    Run the PSP until SIGTERM or SIGINT.
    """
    stopped = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    store = await open_store(settings.database_url)
    try:
        await serve(settings, store, stopped)
    finally:
        await store.pool.close()


async def serve(settings: Settings, store: Store, stopped: asyncio.Event) -> None:
    faults = Faults(settings.psp_seed)
    webhooks = Webhooks(store.pool, settings.psp_webhooks, faults)
    counter = Counter(
        store,
        faults,
        subscribed=webhooks.subscribed,
        told=webhooks.ring,
        authorization_seconds=settings.psp_authorization_seconds,
        key_seconds=settings.psp_key_seconds,
    )
    lane: Lane[Request, Answer] = Lane(counter.carry_out)
    accounts = {key: account for account, key in settings.psp_keys.items()}
    app = web.Application()
    app.add_routes(Control(store, faults, lane, accounts=tuple(settings.psp_keys)).routes())
    app.add_routes(Api(accounts, lane, Reader(store), faults).routes())
    clockwork = Clockwork(store.pool, lane, key_seconds=settings.psp_key_seconds)
    jobs = (lane.run(), webhooks.run(), clockwork.run())
    async with asyncio.TaskGroup() as tasks:
        working = [tasks.create_task(job) for job in jobs]
        async with listening(app, settings.psp_address):
            log.info("listening at %s", settings.psp_address)
            await stopped.wait()
        for task in working:
            task.cancel()
    log.info("stopped")


@asynccontextmanager
async def listening(app: web.Application, address: str) -> AsyncGenerator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_SECONDS)
    await runner.setup()
    try:
        host, _, port = address.rpartition(":")
        await web.TCPSite(runner, host, int(port)).start()
        yield
    finally:
        await runner.cleanup()
