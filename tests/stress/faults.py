"""The faults, by name; each returns when it is over and things may heal."""

import asyncio
import random
import signal
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from chassis.events.broker import connect_broker
from chassis.events.streams import stream_of
from tests.stress.crew import Crew, Member
from tests.stress.observer import Observer
from tests.stress.plan import CONTEXT, IDLE_SECONDS
from tests.stress.points import POINTS
from tests.stress.servers import Server, Servers, copy_store, provision, restore_store

REPEATED_MESSAGES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """
    What faults act upon.
    """

    servers: Servers
    crew: Crew
    observer: Observer
    dice: random.Random

    def victim(self, role: str) -> Member:
        return self.dice.choice(self.crew.members[role])


Fault = Callable[[Scene], Awaitable[None]]


async def kill(role: str, scene: Scene) -> None:
    """
    Kill a process wherever it happens to be.
    """
    victim = await scene.victim(role).now()
    victim.send(signal.SIGKILL)
    await victim.ended()


async def crash(role: str, point: str, scene: Scene) -> None:
    """
    Make a process kill itself at *point*.
    """
    passes = scene.dice.randint(1, 5)
    while True:
        victim = await scene.victim(role).now()
        victim.say(f"kill {point} {passes}")
        if await victim.suffers(f"kill {point}"):
            await victim.ended()
            return


async def freeze(scene: Scene) -> None:
    """
    Freeze a relay with locks in its hands until others have them, then let it go on: it does not
    know that its time is over.
    """
    point = scene.dice.choice(["before-publish", "after-publish"])
    seconds = IDLE_SECONDS + scene.dice.uniform(1, 3)
    while True:
        victim = await scene.victim("relay").now()
        victim.say(f"freeze {point} 1")
        if await victim.suffers(f"freeze {point}"):
            try:
                await asyncio.sleep(seconds)
            finally:
                victim.send(signal.SIGCONT)
            return


async def fall(name: str, signum: signal.Signals, scene: Scene) -> None:
    """
    End a server and start it again.
    """
    server: Server = getattr(scene.servers, name)
    async with server.standing:
        # Not while everything is still rising from the last fall.
        await scene.observer.effects_grow()
        try:
            await server.fall(signum)
            await asyncio.sleep(scene.dice.uniform(0, 1))
        finally:
            await server.start()


async def repeat_messages(scene: Scene) -> None:
    """
    Publish messages of the stream again, old ones and new ones, as a client would that has
    forgotten what it has sent: same headers, another message id.
    """
    broker = await connect_broker(scene.servers.nats_url, name="repeats")
    try:
        async with scene.servers.nats.standing:
            jetstream = broker.jetstream()
            state = (await jetstream.stream_info(stream_of(CONTEXT))).state
            while state.messages < REPEATED_MESSAGES:
                await asyncio.sleep(0.1)
                state = (await jetstream.stream_info(stream_of(CONTEXT))).state
            old = range(state.first_seq, state.last_seq + 1 - REPEATED_MESSAGES // 2)
            new = range(old.stop, state.last_seq + 1)
            chosen = [*scene.dice.sample(old, min(len(old), REPEATED_MESSAGES // 2)), *new]
            for sequence in scene.dice.sample(chosen, len(chosen)):
                message = await jetstream.get_msg(stream_of(CONTEXT), sequence, direct=True)
                # All but what was said to the server.
                headers = {
                    name: value
                    for name, value in (message.headers or {}).items()
                    if not name.startswith("Nats-")
                }
                headers["Nats-Msg-Id"] = uuid4().hex
                await jetstream.publish(message.subject, message.data, headers=headers)
    finally:
        await broker.close()


async def recreate(scene: Scene) -> None:
    """
    Delete the stream and its consumers, and make them anew: empty.
    """
    async with scene.servers.nats.standing:
        deliveries = await scene.observer.deliveries_now()
        await provision(scene.servers, anew=True)
        scene.observer.forgotten += deliveries


async def go_backwards(scene: Scene) -> None:
    """
    Give NATS the disk that it had some events ago.
    """
    nats = scene.servers.nats
    with tempfile.TemporaryDirectory(dir=scene.servers.nats_store.parent) as directory:
        copy = Path(directory) / "copy"
        async with nats.standing:
            try:
                await nats.fall(signal.SIGTERM)
                copy_store(scene.servers, copy)
            finally:
                await nats.start()
            await scene.observer.effects_grow()
            try:
                await nats.fall(signal.SIGKILL)
                restore_store(scene.servers, copy)
            finally:
                await nats.start()


FAULTS: dict[str, Fault] = {
    **{f"kill-{role}": partial(kill, role) for role in POINTS},
    **{
        f"{role}:{point}": partial(crash, role, point)
        for role, points in POINTS.items()
        for point in points
    },
    "freeze-relay": freeze,
    "nats-restart": partial(fall, "nats", signal.SIGTERM),
    "nats-kill": partial(fall, "nats", signal.SIGKILL),
    "postgres-restart": partial(fall, "postgres", signal.SIGINT),
    "postgres-kill": partial(fall, "postgres", signal.SIGKILL),
    "duplicates": repeat_messages,
    "recreate": recreate,
    "backwards": go_backwards,
}

# The stream is filled again from the record, which asks for more than the rest.
ON_DEMAND = ("backwards",)
