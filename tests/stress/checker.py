"""
Compares what took effect with what was committed.

It knows nothing of versions, ids and sequences of the chassis: a word travels in each event, and
is found in the writers' `committed` and in a group's `effects`, or is not. SQL does the comparing,
so that a million events need no memory here.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local.databases import ServiceDatabase, asyncpg_url

EXAMPLES = 3

EXPECTED = """
DROP TABLE IF EXISTS expected;
CREATE UNLOGGED TABLE expected (thing uuid NOT NULL, number bigint NOT NULL, word text NOT NULL)
"""

# Each finds the violations of one kind, as (thing, number, word).
LOST = """
SELECT thing, number, word FROM expected
WHERE NOT EXISTS (SELECT FROM effects WHERE effects.word = expected.word)
"""
DOUBLED = """
SELECT thing, number, word FROM (
    SELECT word FROM effects GROUP BY word HAVING count(*) > 1
) AS twice LEFT JOIN expected USING (word)
"""
INVENTED = """
SELECT NULL::uuid AS thing, NULL::bigint AS number, word FROM effects
WHERE NOT EXISTS (SELECT FROM expected WHERE effects.word = expected.word)
"""
# What is doubled counts where it was first; what is lost leaves the others in order.
DISORDERED = """
SELECT thing, number, word FROM (
    SELECT thing, number, word, max(number) OVER (
        PARTITION BY thing ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS highest
    FROM (SELECT word, min(id) AS id FROM effects GROUP BY word) AS first JOIN expected USING (word)
) AS in_order
WHERE number < highest
"""
VIOLATIONS = {"lost": LOST, "doubled": DOUBLED, "invented": INVENTED, "disordered": DISORDERED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """
    What one group did with what was committed.

    Attributes:
        counts: Of each violation, by name.
        examples: Some of each, readable.
    """

    effects: int
    counts: dict[str, int]
    examples: list[str]


class Checker:
    """
    The comparison for one group.
    """

    def __init__(self, connection: asyncpg.Connection, group: str) -> None:
        self._connection = connection
        self._group = group

    async def missing(self) -> int:
        """
        Return how many events have not taken effect yet.
        """
        return int(await self._connection.fetchval(f"SELECT count(*) FROM ({LOST}) AS lost"))

    async def findings(self) -> Findings:
        """
        Return every violation.
        """
        counts, examples = {}, []
        for name, sql in VIOLATIONS.items():
            counts[name] = await self._connection.fetchval(f"SELECT count(*) FROM ({sql}) AS bad")
            if counts[name]:
                examples += [
                    f"{self._group} {name}: thing {row['thing']} number {row['number']}"
                    f" word {row['word']}"
                    for row in await self._connection.fetch(f"{sql} LIMIT {EXAMPLES}")
                ]
        effects = await self._connection.fetchval("SELECT count(*) FROM effects")
        return Findings(effects=effects, counts=counts, examples=examples)


async def wait_for_last_commits(writers: ServiceDatabase) -> None:
    """
    Wait until no session of a writer is left: the commit of a killed one may still be at work.
    """
    connection = await asyncpg.connect(asyncpg_url(writers.admin))
    try:
        while await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'writer-%'"
        ):
            await connection.execute("SELECT pg_sleep(0.05)")
    finally:
        await connection.close()


async def export_committed(writers: ServiceDatabase, path: Path) -> int:
    """
    Write all that was committed to *path*, and return how much that is.
    """
    connection = await asyncpg.connect(asyncpg_url(writers.admin))
    try:
        status = await connection.copy_from_query(
            "SELECT thing, number, word FROM committed", output=path, format="binary"
        )
    finally:
        await connection.close()
    return int(status.split()[-1])


@asynccontextmanager
async def checker(
    group: str, database: ServiceDatabase, committed: Path
) -> AsyncGenerator[Checker]:
    """
    Compare the effects in *database* with what the file *committed* holds.
    """
    connection = await asyncpg.connect(asyncpg_url(database.admin))
    try:
        await connection.execute(EXPECTED)
        await connection.copy_to_table("expected", source=committed, format="binary")
        await connection.execute("ANALYZE expected; ANALYZE effects")
        yield Checker(connection, group)
    finally:
        await connection.close()
