"""A service's own database: connections, and transactions that tell when they have committed."""

import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from asyncpg.exceptions import UniqueViolationError
from sqlalchemy import Executable, MetaData, Row, TextClause, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chassis.kernel.errors import Conflict
from chassis.storage.metrics import STATEMENTS, TRANSACTIONS
from chassis.telemetry.sql import trace_statements

# Predictable constraint names, so that a migration can refer to them.
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

log = logging.getLogger(__name__)

Parameters = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """
    An INSERT, UPDATE or DELETE without a RETURNING, whose answer nobody waits for; or a SELECT of
    a function that does the writing.

    Attributes:
        target: What it writes to. Writes to one target are done in order.
        rows: How many rows it must change, or somebody else was faster; `None` if that does not
            matter.
    """

    target: str
    sql: str
    parameters: Parameters
    rows: int | None = None


class Transaction:
    """
    One database transaction, and what is to happen around its commit.

    Writes gather, and reach the server as one statement: before the next read, and at the end.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self._writes: list[Write] = []
        self._kept: dict[type[Any], Any] = {}
        self._before_commit: list[Callable[[], Awaitable[None]]] = []
        self._after_commit: list[Callable[[], None]] = []

    async def rows(
        self, statement: Executable | TextClause, parameters: Parameters | None = None
    ) -> Sequence[Row[Any]]:
        """
        Run *statement* and return its rows.
        """
        await self.flush()
        STATEMENTS.inc()
        return (await self.connection.execute(statement, parameters)).all()

    async def run(
        self, statement: Executable | TextClause, parameters: Parameters | None = None
    ) -> int:
        """
        Run *statement* and return how many rows it changed.
        """
        await self.flush()
        STATEMENTS.inc()
        return (await self.connection.execute(statement, parameters)).rowcount

    async def write(self, write: Write) -> None:
        """
        Do *write* before the transaction's next read, or at its end.

        Raises:
            Conflict: Now or when it is done: it does not change as many rows as it must, or
                somebody else has inserted the same row.
        """
        if any(earlier.target == write.target for earlier in self._writes):
            await self.flush()
        self._writes.append(write)

    async def flush(self) -> None:
        """
        Do the writes that have gathered, in one round trip (ADR-0015).

        Raises:
            Conflict: One of them met a change by somebody else.
        """
        if not self._writes:
            return
        writes, self._writes = self._writes, []
        parameters = {
            f"w{number}_{name}": value
            for number, write in enumerate(writes)
            for name, value in write.parameters.items()
        }
        STATEMENTS.inc()
        try:
            (counts,) = await self.connection.execute(
                _together(tuple(write.sql for write in writes)), parameters
            )
        except IntegrityError as error:
            cause = error.orig.__cause__ if error.orig else None
            guarded = any(write.rows is not None for write in writes)
            # Who comes second may meet the first one's rows before its missing version shows.
            if guarded and isinstance(cause, UniqueViolationError):
                log.info("conflict: %s", cause.constraint_name)
                raise Conflict("somebody else changed it first; try again") from error
            raise
        for write, changed in zip(writes, counts, strict=True):
            if write.rows is not None and changed != write.rows:
                log.info("conflict: %s of %s %s", changed, write.rows, write.target)
                raise Conflict("somebody else changed it first; try again")

    def once(self, kind: type[T], make: Callable[[], T]) -> T:
        """
        Return the *kind* that this transaction keeps, made by *make* when first asked for.
        """
        if kind not in self._kept:
            self._kept[kind] = make()
        kept: T = self._kept[kind]
        return kept

    def before_commit(self, action: Callable[[], Awaitable[None]]) -> None:
        """
        Run *action* as the last thing inside the transaction. It may add further ones.
        """
        self._before_commit.append(action)

    def after_commit(self, action: Callable[[], None]) -> None:
        """
        Run *action* once the transaction has committed; never if it rolled back.
        """
        self._after_commit.append(action)

    async def prepare_commit(self) -> None:
        for action in self._before_commit:
            await action()
        await self.flush()

    def committed(self) -> None:
        for action in self._after_commit:
            action()


@lru_cache(maxsize=512)
def _together(writes: tuple[str, ...]) -> TextClause:
    """
    Return one statement that does all *writes* and answers how many rows each has changed.
    """
    parts = [
        f"w{number} AS ({_PARAMETER.sub(f':w{number}_', sql)}{_answer_of(sql)})"
        for number, sql in enumerate(writes)
    ]
    counts = [f"(SELECT count(*) FROM w{number}) AS w{number}" for number in range(len(writes))]
    return text(f"WITH {', '.join(parts)} SELECT {', '.join(counts)}")


def _answer_of(sql: str) -> str:
    return "" if sql.startswith("SELECT") else " RETURNING 1"


# The colon of a bind parameter, `:name`; not of a cast, `::name`.
_PARAMETER = re.compile(r"(?<!:):(?=[a-z])")


class Database:
    """
    The database of one service.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Transaction]:
        """
        Open a transaction: it commits when the block ends and rolls back when it raises.
        """
        async with self._engine.connect() as connection, connection.begin():
            TRANSACTIONS.inc()
            transaction = Transaction(connection)
            yield transaction
            await transaction.prepare_commit()
        # Only here is it certain: an error during the commit has left the block above.
        transaction.committed()

    async def close(self) -> None:
        await self._engine.dispose()


def connect(
    url: str,
    *,
    application: str,
    pool_size: int = 4,
    idle_seconds: float = 15,
    one_plan: bool = False,
) -> Database:
    """
    Return the database at *url* (`postgresql+asyncpg://…`); nothing is opened before first use.

    Args:
        application: How PostgreSQL's own views name our connections.
        pool_size: The most connections; each is opened when first needed, and kept. (An overflow
            would be closed on return, and opened again by the next rush.)
        idle_seconds: How long an open transaction may do nothing before the server ends it, and
            its locks with it: for so long a frozen process stands in everybody's way.
        one_plan: Whether a statement is planned once, for all values. Else the server compares,
            and over tables that are made of months it plans each time anew (ADR-0023).
    """
    engine = create_async_engine(
        url,
        # No ping before each use: it costs three round trips a transaction. When the server was
        # restarted, the first failure empties the pool, and whoever failed tries again.
        pool_pre_ping=False,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        # The one used last first: those that only a rush needs stay asleep, and small.
        pool_use_lifo=True,
        # What a failed statement was given may be somebody's address: it belongs in no log.
        hide_parameters=True,
        # Columns of JSON are read with every aggregate that has one.
        json_deserializer=orjson.loads,
        connect_args={
            # Bounds every wait: a database that went silent fails the call instead of hanging it.
            "command_timeout": 15,
            "timeout": 5,
            "server_settings": {
                "application_name": application,
                "jit": "off",
                # Plans are kept, and the first ones are made while tables are small and unknown:
                # a scan that was right then would stay in use as they grow.
                "enable_seqscan": "off",
                "plan_cache_mode": "force_generic_plan" if one_plan else "auto",
                "statement_timeout": "10s",
                "lock_timeout": "5s",
                "idle_in_transaction_session_timeout": f"{idle_seconds:g}s",
            },
        },
    )
    trace_statements(engine.sync_engine)
    return Database(engine)


def metadata() -> MetaData:
    """
    Return a new catalog for the tables of one service.
    """
    return MetaData(naming_convention=NAMING)
