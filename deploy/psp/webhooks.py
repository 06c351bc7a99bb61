"""Events on their way to merchants: signed, sent until they are taken, not in any order."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import aiohttp

from deploy.psp.case import new_id
from deploy.psp.faults import WEBHOOK, WEBHOOKS, Fault, Faults, Occasion
from deploy.psp.outages import for_ever
from deploy.psp.records import Event
from deploy.psp.settings import Target
from deploy.psp.shapes import EVENTS

log = logging.getLogger(__name__)

MOST_IN_FLIGHT = 64
ANSWER_WITHIN_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
SWEEP_SECONDS = 1.0
# How long an event is held back so that later ones overtake it, unless told otherwise.
HELD_BACK_SECONDS = 1.0
# Well beyond what receivers tolerate.
STALE_SECONDS = 3_600


def signature_of(body: str, secret: str, at: int) -> str:
    """
    Return the header that proves that *body* was sent by us, at *at*.
    """
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Webhooks:
    """
    Sends what is due. Which events are on their way is in the records, so a restart loses none.
    """

    def __init__(self, pool: Any, targets: Mapping[str, Target], faults: Faults) -> None:
        self._pool = pool
        self._targets = targets
        self._faults = faults
        self._rung = asyncio.Event()
        self._in_flight: set[str] = set()
        self._done: list[tuple[str, float | None]] = []

    def ring(self) -> None:
        """
        Look for events at once.
        """
        self._rung.set()

    def subscribed(self, account: str, kind: str) -> bool:
        target = self._targets.get(account)
        return target is not None and ("*" in target.events or kind in target.events)

    async def run(self) -> None:
        """
        Deliver until cancelled.
        """
        connections = aiohttp.TCPConnector(limit=MOST_IN_FLIGHT)
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_SECONDS)
        async with (
            aiohttp.ClientSession(connector=connections, timeout=timeout) as session,
            asyncio.TaskGroup() as tasks,
        ):

            async def send_some() -> None:
                self._rung.clear()
                await self._note()
                for event in await self._due():
                    self._in_flight.add(event.id)
                    tasks.create_task(self._deliver(event, session))
                await self._wait()

            await for_ever(send_some)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._rung.wait()
        except TimeoutError:
            pass

    async def _due(self) -> Sequence[Event]:
        room = MOST_IN_FLIGHT - len(self._in_flight)
        if room <= 0:
            return []
        rows = await self._pool.fetch(
            _DUE, time.time(), list(self._in_flight), list(self._targets), room
        )
        return [EVENTS.record(row) for row in rows]

    async def _note(self) -> None:
        """
        Write down what has become of events: taken, or to be sent again, and when.
        """
        done = list(self._done)
        if done:
            ids, whens = zip(*done, strict=True)
            await self._pool.execute(_NOTE, list(ids), list(whens))
            self._in_flight.difference_update(ids)
            del self._done[: len(done)]

    async def _deliver(self, event: Event, session: aiohttp.ClientSession) -> None:
        target = self._targets[event.account]
        occasion = Occasion(event.account, WEBHOOK, event.type)
        # What is commanded befalls an event once, when it is first sent.
        faults = self._faults.strike(occasion, WEBHOOKS) if event.attempts == 0 else ()
        kinds = {fault.kind for fault in faults}
        await asyncio.sleep(delay_of(faults))
        taken = "lost" in kinds
        if not taken:
            urls = urls_for(event, target)
            header = signature_of(event.body, target.secret, int(time.time()))
            taken = await post(event.body, header, urls, session)
            for body, header in unwelcome(event, target, kinds):
                await post(body, header, urls, session)
        pause = min(FIRST_PAUSE_SECONDS * 2**event.attempts, LONGEST_PAUSE_SECONDS)
        self._done.append((event.id, None if taken else time.time() + pause))
        self.ring()


def urls_for(event: Event, target: Target) -> Sequence[str]:
    """
    Return the replicas of *target*, beginning with another for each event.
    """
    first = crc32(event.id.encode()) % len(target.urls)
    return (*target.urls[first:], *target.urls[:first])


def delay_of(faults: Sequence[Fault]) -> float:
    """
    Return for how long an event is held back.
    """
    return sum(
        (fault.ms / 1000 or HELD_BACK_SECONDS)
        for fault in faults
        if fault.kind in ("late", "reordered")
    )


def unwelcome(event: Event, target: Target, kinds: set[str]) -> list[tuple[str, str]]:
    """
    Return what else is sent, with its signature: the same once more, or what is not from us.
    """
    now = int(time.time())
    sent = []
    if "duplicated" in kinds:
        sent.append((event.body, signature_of(event.body, target.secret, now)))
    if "forged" in kinds:
        body = forgery_of(event)
        sent.append((body, signature_of(body, "whsec_somebody_elses", now)))
    if "stale" in kinds:
        body = forgery_of(event)
        sent.append((body, signature_of(body, target.secret, now - STALE_SECONDS)))
    return sent


def forgery_of(event: Event) -> str:
    """
    Return an event that never happened: like *event*, with more money.
    """
    document = json.loads(event.body)
    document["id"] = new_id("evt")
    about = document["data"]["object"]
    for name in ("amount", "amount_received", "amount_capturable", "amount_captured"):
        if name in about:
            about[name] = 10 * about[name] + 1
    return json.dumps(document)


async def post(body: str, header: str, urls: Sequence[str], session: aiohttp.ClientSession) -> bool:
    """
    Send *body* to the first of *urls* that answers; return whether it was taken.
    """
    headers = {"Stripe-Signature": header, "Content-Type": "application/json; charset=utf-8"}
    for url in urls:
        try:
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()
                return 200 <= response.status < 300
        except (aiohttp.ClientError, TimeoutError) as error:
            log.info("%s does not take an event: %s", url, type(error).__name__)
    return False


_DUE = f"""
    SELECT {", ".join(EVENTS.columns)} FROM events
    WHERE deliver_at <= $1 AND id <> ALL($2::text[]) AND account = ANY($3::text[])
    ORDER BY deliver_at, position LIMIT $4
"""
_NOTE = """
    UPDATE events SET deliver_at = sent.again_at, attempts = attempts + 1
    FROM unnest($1::text[], $2::double precision[]) AS sent (id, again_at)
    WHERE events.id = sent.id
"""
