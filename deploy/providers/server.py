"""All of them at work: the providers, their carrier, the warehouse, and a word on how they are."""

import asyncio
import logging
import signal
from asyncio import StreamReader, StreamWriter

from chassis.kernel.clock import system_clock
from chassis.rpc.client import channel
from deploy.local.world.patience import CallRefused, Patience
from deploy.providers.carrier import Carrier
from deploy.providers.character import Character
from deploy.providers.file import Cast, read_cast
from deploy.providers.provider import Provider
from deploy.providers.settings import Settings
from deploy.providers.stubs import ChannelStubs, Stubs
from deploy.providers.warehouse import Warehouse

log = logging.getLogger(__name__)

AFTER_A_REFUSAL_SECONDS = 5.0


async def run(settings: Settings) -> None:
    """
    Play until SIGTERM or SIGINT. What is under way then is taken up by the next life.
    """
    stopped = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    cast = read_cast(settings.providers_file)
    to_fulfillment = channel(settings.fulfillment_target)
    health = Health()
    host, _, port = settings.providers_address.rpartition(":")
    try:
        async with (
            await asyncio.start_server(health.answer, host, int(port)),
            asyncio.TaskGroup() as tasks,
        ):
            playing = tasks.create_task(play(cast, ChannelStubs(to_fulfillment), health))
            await stopped.wait()
            playing.cancel()
    finally:
        await to_fulfillment.close(None)
    log.info("stopped")


async def play(cast: Cast, stubs: Stubs, health: "Health") -> None:
    """
    Let everybody work until cancelled.
    """
    patience = Patience()
    carrier = Carrier(cast.manners, stubs, patience, seed=cast.seed)
    async with asyncio.TaskGroup() as tasks:
        for character in cast.characters:
            tasks.create_task(Provider(character, stubs, patience).register())
    health.well = True
    log.info("%d providers at work", len(cast.characters))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(carrier.run())
        for character in cast.characters:
            tasks.create_task(kept_at_work(character, stubs, patience, carrier))
        if cast.warehouses:
            warehouse = Warehouse(
                cast.warehouses, stubs, patience, clock=system_clock, seed=cast.seed
            )
            tasks.create_task(warehouse.run())


async def kept_at_work(
    character: Character, stubs: Stubs, patience: Patience, carrier: Carrier
) -> None:
    """
    Let a provider work until cancelled. What nobody foresaw stops it for a while, but no other
    one; then it takes up its work as after any break.
    """
    while True:
        provider = Provider(character, stubs, patience, carrier=carrier)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(provider.run())
                tasks.create_task(provider.resume())
        except* CallRefused as refusals:
            log.warning("%s cannot go on: %s", character.id, leaves_of(refusals))
        await asyncio.sleep(AFTER_A_REFUSAL_SECONDS)


def leaves_of(group: BaseExceptionGroup[CallRefused]) -> str:
    """
    Return what the exceptions of *group* say.
    """
    return "; ".join(
        leaves_of(each) if isinstance(each, BaseExceptionGroup) else str(each)
        for each in group.exceptions
    )


class Health:
    """
    Answers whoever asks over HTTP: well from when all providers are known.
    """

    def __init__(self) -> None:
        self.well = False

    async def answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readline()
        status, word = ("200 OK", "at work") if self.well else ("503 Service Unavailable", "begins")
        writer.write(f"HTTP/1.0 {status}\r\nContent-Length: {len(word)}\r\n\r\n{word}".encode())
        await writer.drain()
        writer.close()
