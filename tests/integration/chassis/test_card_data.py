"""What is planted where a cluster keeps something is found there, and nothing else is."""

from contextlib import suppress

import asyncpg
import pytest
from nats.js.errors import NotFoundError
from redis.asyncio import Redis

from deploy.local.valkey import valkey
from tests.card_data import Scan

# An issuer's published test number.
CARD = "4242 4242 4242 4242"
SECRET = "a-password-nobody-else-has"
STREAM = "CARD_DATA"


@pytest.fixture
async def database(postgres_server):
    """
    A database of its own on the server of all.
    """
    admin = await asyncpg.connect(postgres_server.admin_url)
    await admin.execute("CREATE DATABASE card_data")
    connection = await asyncpg.connect(postgres_server.admin_url, database="card_data")
    await connection.execute(
        "CREATE TABLE notes (words text, said jsonb, raw bytea, many text[], at timestamptz)"
    )
    yield connection
    await connection.close()
    await admin.execute("DROP DATABASE card_data")
    await admin.close()


@pytest.fixture
async def jetstream(broker):
    jetstream = broker.jetstream()
    await jetstream.add_stream(name=STREAM, subjects=["card.data"])
    yield jetstream
    with suppress(NotFoundError):
        await jetstream.delete_stream(STREAM)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("words", CARD),
        ("said", f'{{"note": ["{CARD}"]}}'),
        ("raw", b"\x0a\x13" + CARD.encode()),
        ("many", ["lamp", CARD]),
        ("words", f"postgresql://app:{SECRET}@db"),
    ],
)
async def test_a_number_in_a_row_is_found(database, postgres_server, column, value):
    await database.execute("INSERT INTO notes (words) VALUES ('lamps')")
    await database.execute(f"INSERT INTO notes ({column}) VALUES ($1)", value)
    scan = Scan({"the password": SECRET})

    await scan.databases(postgres_server.admin_url)

    assert scan.seen["rows"] >= 2
    what = "the password" if SECRET in str(value) else "Visa"
    ours = {(found.where, found.what) for found in scan.found if "card_data" in found.where}
    assert ours == {(f"card_data.public.notes.{column}", what)}


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        (CARD.encode(), {}),
        (b"", {"ce-note": CARD}),
        (SECRET.encode(), {}),
    ],
)
async def test_a_number_in_a_message_is_found(jetstream, payload, headers):
    await jetstream.publish("card.data", b"lamps")
    deleted = await jetstream.publish("card.data", CARD.encode())
    await jetstream.delete_msg(STREAM, deleted.seq)
    await jetstream.publish("card.data", payload, headers=headers)
    scan = Scan({"the password": SECRET})

    await scan.streams(jetstream)

    where = f"{STREAM}#3 ce-note" if headers else f"{STREAM}#3"
    what = "the password" if payload == SECRET.encode() else "Visa"
    ours = [(each.where, each.what) for each in scan.found if each.where.startswith(STREAM)]
    assert ours == [(where, what)]


async def test_a_number_in_the_cache_is_found(tmp_path):
    async with valkey(tmp_path) as url:
        client = Redis.from_url(url)
        await client.set("lamp", "10.00 EUR")
        await client.set("text", CARD)
        await client.hset("hash", "note", CARD)
        await client.rpush("list", CARD)
        await client.sadd("set", CARD)
        await client.zadd("zset", {CARD: 1})
        await client.aclose()
        scan = Scan()

        await scan.cache(url)

    assert len(scan.found) == 5
    assert scan.seen["keys"] > 10


def test_a_number_in_a_log_line_is_found(tmp_path):
    (tmp_path / "order-1.log").write_text(f"started\nrefused {CARD}\n{SECRET}\n")
    scan = Scan({"the password": SECRET})

    scan.files(tmp_path, kind="logs")

    assert [(found.where, found.what) for found in scan.found] == [
        ("order-1.log:2", "Visa"),
        ("order-1.log:3", "the password"),
    ]
