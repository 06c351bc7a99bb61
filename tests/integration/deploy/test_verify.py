"""
Verify bites: whatever is broken on purpose, it says so, and by the right name.

Each corruption is planted by SQL in a cluster where all was well, and taken back afterwards.
"""

from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
from asyncpg import InternalClientError

from chassis.events.broker import connect_broker
from deploy.local import verify as verify_module
from deploy.local.databases import asyncpg_url
from deploy.local.errors import ServerAway
from deploy.local.invariants.catalogue import INVARIANTS
from deploy.local.verify import patiently, verify
from tests.integration.deploy.corruptions import CORRUPTIONS, ONE_COMPLETED


@pytest.fixture(scope="module")
async def sound(cluster, local):
    """
    A cluster where much has happened and all is well.
    """
    for command in ("demo", "reconcile"):
        code, output = await local(command)
        assert code == 0, output
    return cluster


@asynccontextmanager
async def changed(cluster, context, table, change):
    """
    Have *table* otherwise for the length of the block, past every trigger and foreign key.
    """
    database = cluster.psp.database if context == "psp" else cluster.databases[context]
    connection = await asyncpg.connect(asyncpg_url(database.admin))
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(f"CREATE TEMP TABLE saved AS TABLE {table}")
        assert not (await connection.execute(change)).endswith(" 0"), "nothing was changed"
        try:
            yield
        finally:
            await connection.execute(f"DELETE FROM {table}")
            await connection.execute(
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM saved"
            )
    finally:
        await connection.close()


@pytest.fixture
def impatient(monkeypatch):
    """
    What is planted stays: to look again in a moment shows as much as to look again later.
    """
    monkeypatch.setattr(verify_module, "BETWEEN_LOOKS_SECONDS", 0.05)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("what", CORRUPTIONS)
async def test_it_sees_that(sound, what):
    context, table, change, invariant = CORRUPTIONS[what]
    named = [each for each in INVARIANTS if each.id == invariant]

    async with changed(sound, context, table, change):
        verdict = await verify(sound, wait_seconds=0.1, invariants=named)

    assert verdict.violated == [invariant]


async def test_a_capture_of_another_amount_than_was_asked_for_is_no_matter_of_goods(sound):
    one = "(SELECT id FROM payment_transactions WHERE kind = 'CAPTURE' ORDER BY id LIMIT 1)"
    moved = f"UPDATE payment_transactions SET moved = moved - 1 WHERE id = {one}"
    captured = """
        UPDATE payments SET captured = captured - 1
        WHERE id IN (SELECT payment_id FROM payment_transactions WHERE moved = amount - 1)
    """
    async with (
        changed(sound, "payment", "payment_transactions", moved),
        changed(sound, "payment", "payments", captured),
    ):
        verdict = await verify(sound, wait_seconds=1)

    assert "psp-agrees" in verdict.violated
    assert "money-matches-goods" not in verdict.violated


@pytest.mark.parametrize(("minutes", "is_seen"), [(11, True), (1, False)])
async def test_it_sees_a_step_that_goes_on_failing_and_not_one_that_fails_for_a_while(
    sound, minutes, is_seen
):
    placed = f"UPDATE orders SET status = 'PLACED' WHERE id = {ONE_COMPLETED}"
    failing = f"""
        INSERT INTO sagas (id, step, due_at, waits_for, attempts, began_at, since)
        SELECT id, 'follow_fulfillment', now() + interval '5 minutes', 'payment', 30, now(),
            now() - interval '{minutes} minutes'
        FROM orders WHERE status = 'PLACED'
    """
    async with (
        changed(sound, "order", "orders", placed),
        changed(sound, "order", "sagas", failing),
    ):
        verdict = await verify(sound, wait_seconds=1)

    assert ("orders-end" in verdict.violated) is is_seen


@pytest.mark.usefixtures("impatient")
async def test_it_sees_an_event_that_waits_too_long_to_be_published(sound):
    change = """
        INSERT INTO outbox (partition, event_id, aggregate_id, aggregate_version, subject, payload,
            trace, occurred_at)
        SELECT partition, gen_random_uuid(), gen_random_uuid(), 1, subject, payload, '',
            now() - interval '5 minutes'
        FROM published_events LIMIT 1
    """
    connection = await asyncpg.connect(asyncpg_url(sound.databases["product"].admin))
    # The relay would publish it at once, if it had the partition.
    await connection.execute(
        "SELECT pg_advisory_lock(x'0B0C'::int, n) FROM generate_series(0, 63) n"
    )
    async with changed(sound, "product", "outbox", change):
        verdict = await verify(sound, wait_seconds=1)
    await connection.close()

    assert "published-in-time" in verdict.violated


async def test_it_sees_an_event_that_nobody_told(sound):
    broker = await connect_broker(sound.nats_url, name="tests")
    jetstream = broker.jetstream()
    said = {"ce-id": str(uuid4()), "ce-subject": str(uuid4()), "ce-sequence": "1"}
    ack = await jetstream.publish("retail.payment.v1.PaymentCaptured", b"", headers=said)

    verdict = await verify(sound, wait_seconds=1)

    await jetstream.delete_msg("RETAIL_PAYMENT", ack.seq)
    await broker.close()
    assert verdict.violated == ["in-the-stream-once"]


async def test_afterwards_all_is_well_again(sound):
    verdict = await verify(sound, wait_seconds=10)

    assert verdict.violated == []


async def test_a_server_that_was_killed_is_waited_for():
    answers = iter([ConnectionRefusedError(), TimeoutError(), InternalClientError()])

    async def look():
        for error in answers:
            raise error
        return "seen"

    assert await patiently(look) == "seen"


async def test_a_server_that_stays_away_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr(verify_module, "AWAY_SECONDS", 0)

    async def look():
        raise ConnectionRefusedError

    with pytest.raises(ServerAway, match="does not answer"):
        await patiently(look)
