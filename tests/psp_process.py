"""A simulated PSP as a process, for tests: where it is, how to talk to it, how to kill it."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from stripe import AIOHTTPClient, StripeClient

from deploy.local.databases import asyncpg_url
from deploy.local.ports import HOST, Ports
from deploy.local.topology import PYTHONPATH, ROOT

API_KEY = "sk_test_main"
WEBHOOK_SECRET = "whsec_main"
START_SECONDS = 20.0


@dataclass(kw_only=True)
class PspServer:
    """
    Attributes:
        url: Where it listens.
        api_key: Of the account `main`.
        database: The URL of its own database, for asyncpg.
        control: A session for the simulator's own API.
        stripe: The official client.
    """

    url: str
    database: str
    environment: dict[str, str]
    control: aiohttp.ClientSession
    api_key: str = API_KEY
    webhook_secret: str = WEBHOOK_SECRET
    process: asyncio.subprocess.Process | None = None
    stripe: StripeClient = field(init=False)
    _connections: list[AIOHTTPClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stripe = self.client()

    def client(self, *, key: str = API_KEY, retries: int = 0) -> StripeClient:
        """
        Return the official client, to be closed with the server.
        """
        connections = AIOHTTPClient(timeout=10)
        self._connections.append(connections)
        return StripeClient(
            key,
            base_addresses={"api": self.url},
            http_client=connections,
            max_network_retries=retries,
        )

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.psp"), env=self.environment, cwd=ROOT
        )
        async with asyncio.timeout(START_SECONDS):
            while not await self.is_well():
                assert self.process.returncode is None
                await asyncio.sleep(0.02)

    async def is_well(self) -> bool:
        try:
            async with self.control.get(f"{self.url}/health") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def kill(self) -> None:
        """
        Kill it as a power failure would.
        """
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def stop(self) -> None:
        for connections in self._connections:
            await connections.close_async()
        self._connections.clear()
        if self.process and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def command(self, method: str, path: str, document: Any = None) -> Any:
        """
        Talk to the simulator's own API: `await psp.command("POST", "disputes", {...})`.
        """
        body = None if document is None else json.dumps(document)
        async with self.control.request(
            method, f"{self.url}/simulator/{path}", data=body
        ) as answer:
            document = await answer.json()
            assert answer.status == 200, document
            return document

    async def fault(self, kind: str, *verbs: str, **details: Any) -> Any:
        """
        Make it misbehave: `await psp.fault("slow", "capture", next=1, ms=100)`.
        """
        return await self.command("POST", "faults", {"kind": kind, "verbs": verbs, **details})

    async def behave(self) -> None:
        await self.command("DELETE", "faults")

    async def records(self, payment_id: str) -> Any:
        """
        Return the totals of a payment by its `payment_id` in the metadata, or None.
        """
        found = await self.command("GET", f"records?payment_id={payment_id}")
        return next(iter(found["payments"]), None)


@asynccontextmanager
async def running_psp(database_url: str, **settings: str):
    """
    Run a PSP over its own database for the length of the block.

    Args:
        settings: More of its environment variables, such as `PSP_WEBHOOKS`.
    """
    address = f"{HOST}:{Ports({}).take()}"
    environment = os.environ | {
        "DATABASE_URL": asyncpg_url(database_url),
        "PSP_ADDRESS": address,
        "PSP_KEYS": json.dumps({"main": API_KEY, "second": "sk_test_second"}),
        "PYTHONPATH": PYTHONPATH,
        **settings,
    }
    async with aiohttp.ClientSession() as control:
        psp = PspServer(
            url=f"http://{address}",
            database=asyncpg_url(database_url),
            environment=environment,
            control=control,
        )
        try:
            await psp.start()
            yield psp
        finally:
            await psp.stop()
