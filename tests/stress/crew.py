"""The role processes: started, heard, and started again whenever they end."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.processes import Child, open_log, tethered
from deploy.local.topology import PYTHONPATH, ROOT
from tests.stress.plan import Part, Plan
from tests.stress.servers import Servers

BEFORE_RESTART_SECONDS = 0.1


class Incarnation:
    """
    One life of a role process.

    Attributes:
        suffered: How often it said it was about to suffer what, such as `kill before-commit`.
        news: Set whenever it has said something, or ended.
    """

    def __init__(self, child: Child) -> None:
        self.child = child
        self.suffered: Counter[str] = Counter()
        self.news = asyncio.Event()

    @property
    def alive(self) -> bool:
        return self.child.returncode is None

    def say(self, line: str) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(f"{line}\n".encode())

    def send(self, signum: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.child.send_signal(signum)

    async def suffers(self, what: str) -> bool:
        """
        Wait until it suffers *what*; return whether it has, or ended otherwise.
        """
        before = self.suffered[what]
        while self.alive and self.suffered[what] == before:
            await self.news.wait()
            self.news.clear()
        return self.suffered[what] > before

    async def ended(self) -> None:
        await self.child.wait()

    async def listen(self) -> None:
        """
        Hear what it says until it ends.
        """
        assert self.child.stdout is not None
        async for line in self.child.stdout:
            self.suffered[line.decode().strip()] += 1
            self.news.set()
        await self.child.wait()
        self.news.set()


class Member:
    """
    A role process through all its lives.
    """

    def __init__(self, part: Part, log: Path) -> None:
        self.part = part
        self.lives = 0
        self.unasked = 0
        self._log = log
        self._now: Incarnation | None = None
        self._started = asyncio.Event()

    async def run(self) -> None:
        """
        Keep it running until cancelled.
        """
        try:
            while True:
                self._now = await self._start()
                self.lives += 1
                self._started.set()
                await self._now.listen()
                self._started.clear()
                # Nobody but us kills.
                self.unasked += self._now.child.returncode != -signal.SIGKILL
                await asyncio.sleep(BEFORE_RESTART_SECONDS)
        finally:
            # It can die at any moment, so this is one as good as any.
            if self._now is not None and self._now.alive:
                self._now.send(signal.SIGKILL)
                await self._now.ended()

    async def now(self) -> Incarnation:
        """
        Return the present incarnation; between two of them, wait for the next.
        """
        while True:
            await self._started.wait()
            if self._now is not None and self._now.alive:
                return self._now
            await asyncio.sleep(BEFORE_RESTART_SECONDS)

    def say(self, line: str) -> None:
        if self._now is not None and self._now.alive:
            self._now.say(line)

    async def _start(self) -> Incarnation:
        command = (sys.executable, "-m", f"tests.stress.{self.part.role}")
        with open_log(self._log) as log:
            child = await asyncio.create_subprocess_exec(
                *tethered(command, "SIGKILL"),
                env=os.environ | self.part.environment() | {"PYTHONPATH": PYTHONPATH},
                cwd=ROOT,
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                # Ctrl-C is for the harness.
                start_new_session=True,
            )
        return Incarnation(child)


@dataclass(slots=True)
class Crew:
    """
    Everyone, by role.
    """

    members: dict[str, list[Member]]
    _running: dict[Member, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def everyone(self) -> list[Member]:
        return [member for members in self.members.values() for member in members]

    @property
    def lives(self) -> Counter[str]:
        return Counter(
            {role: sum(member.lives for member in some) for role, some in self.members.items()}
        )

    async def start(self) -> None:
        for member in self.everyone:
            self._running[member] = asyncio.create_task(member.run())

    def tell_writers(self, line: str) -> None:
        for member in self.members["writer"]:
            member.say(line)

    async def dismiss(self, role: str = "") -> None:
        """
        Kill *role* for good, or everyone.
        """
        tasks = [task for member, task in self._running.items() if role in ("", member.part.role)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def crew(plan: Plan, servers: Servers, logs: Path) -> AsyncGenerator[Crew]:
    """
    Run everyone that *plan* asks for, for the length of the block.
    """
    everyone = Crew(
        {
            "writer": [
                Member(part_of(plan, servers, "writer", number), logs / f"writer-{number}.log")
                for number in range(1, plan.writers + 1)
            ],
            "relay": [
                Member(part_of(plan, servers, "relay", number), logs / f"relay-{number}.log")
                for number in range(1, plan.relays + 1)
            ],
            "consumer": [
                Member(
                    part_of(plan, servers, "consumer", number, group),
                    logs / f"{group}-{number}.log",
                )
                for group in servers.groups
                for number in range(1, plan.consumers + 1)
            ],
        }
    )
    await everyone.start()
    try:
        yield everyone
    finally:
        await everyone.dismiss()


def part_of(plan: Plan, servers: Servers, role: str, number: int, group: str = "") -> Part:
    database = servers.groups[group] if group else servers.writers
    return Part(
        role=role,
        name=f"{group or role}-{number}",
        database_url=database.app,
        nats_url=servers.nats_url,
        seed=plan.seed,
        mistake=plan.mistake,
        group=group,
    )
