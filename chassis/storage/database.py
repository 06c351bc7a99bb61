"""A service's own database: connections, and transactions that tell when they have committed."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, MetaData, Row, TextClause
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chassis.telemetry.sql import trace_statements

# Predictable constraint names, so that a migration can refer to them.
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Parameters = Mapping[str, Any]


class Transaction:
    """
    One database transaction, and what is to happen around its commit.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self._before_commit: list[Callable[[], Awaitable[None]]] = []
        self._after_commit: list[Callable[[], None]] = []

    async def rows(
        self, statement: Executable | TextClause, parameters: Parameters | None = None
    ) -> Sequence[Row[Any]]:
        """
        Run *statement* and return its rows.
        """
        return (await self.connection.execute(statement, parameters)).all()

    async def run(
        self, statement: Executable | TextClause, parameters: Parameters | None = None
    ) -> int:
        """
        Run *statement* and return how many rows it changed.
        """
        return (await self.connection.execute(statement, parameters)).rowcount

    def before_commit(self, action: Callable[[], Awaitable[None]]) -> None:
        """
        Run *action* as the last thing inside the transaction.
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

    def committed(self) -> None:
        for action in self._after_commit:
            action()


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
            transaction = Transaction(connection)
            yield transaction
            await transaction.prepare_commit()
        # Only here is it certain: an error during the commit has left the block above.
        transaction.committed()

    async def close(self) -> None:
        await self._engine.dispose()


def connect(url: str, *, application: str, pool_size: int = 12) -> Database:
    """
    Return the database at *url* (`postgresql+asyncpg://…`); nothing is opened before first use.

    Args:
        application: How PostgreSQL's own views name our connections.
        pool_size: The most connections; each is opened when first needed, and kept. (An overflow
            would be closed on return, and opened again by the next rush.)
    """
    engine = create_async_engine(
        url,
        # No ping before each use: it costs three round trips a transaction. When the server was
        # restarted, the first failure empties the pool, and whoever failed tries again.
        pool_pre_ping=False,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        connect_args={
            # Bounds every wait: a database that went silent fails the call instead of hanging it.
            "command_timeout": 15,
            "timeout": 5,
            "server_settings": {
                "application_name": application,
                "jit": "off",
                "statement_timeout": "10s",
                "lock_timeout": "5s",
                "idle_in_transaction_session_timeout": "15s",
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
