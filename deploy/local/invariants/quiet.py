"""Is anything on its way? While there is, one service knows what the next one doesn't yet."""

import asyncio
import time

from chassis.events.streams import durable_of, stream_of
from deploy.local.cluster import Cluster
from deploy.local.invariants.evidence import PSP, Evidence, evidence_of
from deploy.local.topology import WAYBILL

BETWEEN_LOOKS_SECONDS = 0.3


async def wait_for_quiet(cluster: Cluster, seconds: float) -> bool:
    """
    Wait until nothing is on its way in *cluster*, for at most *seconds*; return whether it is so.
    """
    deadline = time.monotonic() + seconds
    before = None
    while True:
        async with evidence_of(cluster) as evidence:
            stir = await on_its_way(evidence)
            now = await how_far(evidence)
        if not stir and now == before:
            return True
        before = now
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)


async def on_its_way(evidence: Evidence) -> int:
    """
    Count what somebody will do something about at once.
    """
    waiting: int = 0
    for context in evidence.contexts:
        query = "SELECT count(*) FROM outbox"
        waiting += await evidence.value(context, query)
    waiting += await evidence.value(
        "order", "SELECT count(*) FROM sagas WHERE due_at < clock_timestamp() + interval '20 s'"
    )
    waiting += await evidence.value(
        "payment",
        "SELECT count(*) FROM payment_transactions WHERE state IN ('REQUESTED', 'UNKNOWN')",
    )
    waiting += await evidence.value(
        PSP, "SELECT count(*) FROM events WHERE deliver_at IS NOT NULL AND attempts = 0"
    )
    jetstream = evidence.broker.jetstream()
    for listener, heard in WAYBILL.listeners.items():
        for context in heard:
            durable = durable_of(listener, context)
            info = await jetstream.consumer_info(stream_of(context), durable)
            waiting += (info.num_pending or 0) + (info.num_ack_pending or 0)
    return int(waiting)


async def how_far(evidence: Evidence) -> list[int]:
    query = "SELECT coalesce(max(position), 0) FROM told_events"
    return [await evidence.value(context, query) for context in evidence.contexts]
