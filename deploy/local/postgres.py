"""
PostgreSQL, from its wheel.

`python -m deploy.local.postgres DATA PORT` becomes a PostgreSQL server: it clears away what a
killed one left behind, stops being root, and hands the process over.
"""

import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local.initdb import find_postgres, initialize, password_file
from deploy.local.ordinary_user import ordinary_user
from deploy.local.ports import HOST, Ports
from deploy.local.processes import Process, running, still_alive, tethered

# Nothing acknowledged is ever lost (fsync and synchronous_commit stay on); beyond that, as
# little memory as four services on two cores need.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "64MB",
    "min_wal_size": "256MB",
    "max_wal_size": "1GB",
    "jit": "off",
    # Three processes less, and no slower from the page cache.
    "io_method": "sync",
    "idle_in_transaction_session_timeout": "15s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """
    A running server.

    Attributes:
        admin_url: For the superuser; asyncpg and psql understand it.
        data: The data directory.
        pid: The postmaster.
    """

    admin_url: str
    data: Path
    pid: int


@asynccontextmanager
async def postgres(
    directory: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[Postgres]:
    """
    Run PostgreSQL with its data in *directory* for the length of the block.

    Entering again with the same directory finds the data again.
    """
    data = directory / "postgres"
    await initialize(data)
    process = postgres_process(
        data,
        port=port or Ports({}).take(),
        log=directory / "postgres.log",
        settings=settings or {},
    )
    async with running(process) as (child,):
        yield Postgres(admin_url_of(data, process), data, child.pid)


def postgres_process(
    data: Path, *, port: int, log: Path, settings: Mapping[str, str] | None = None
) -> Process:
    """
    Return the process of a server over *data*, which `initialize` has made.
    """
    more = [f"{name}={value}" for name, value in (settings or {}).items()]
    return Process(
        name="postgres",
        role="server",
        command=(sys.executable, "-m", "deploy.local.postgres", str(data), str(port), *more),
        log=log,
        address=f"{HOST}:{port}",
        check=f"postgres://{HOST}:{port}",
        # Fast, which ends sessions; then immediate, which recovers at the next start.
        stop=("SIGINT", "SIGQUIT"),
    )


def admin_url_of(data: Path, process: Process) -> str:
    password = password_file(data).read_text().strip()
    return f"postgresql://postgres:{password}@{process.address}/postgres"


def clear_remains(data: Path) -> None:
    """
    Clear away what a postmaster that was killed left behind over *data*.

    Its sessions end by themselves when they notice, but one may be busy; and until the last is
    gone, a new postmaster refuses to start.
    """
    remains = [process for process in psutil.process_iter() if works_in(process, data)]
    for signum in (signal.SIGQUIT, signal.SIGKILL):
        remains = still_alive(remains, seconds=0.3)
        for process in remains:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signum)

    # PostgreSQL removes a stale lock by itself, unless the pid in it now belongs to somebody
    # else, or a full disk has left it empty.
    lock = data / "postmaster.pid"
    if lock.exists():
        pid = lock.read_text().partition("\n")[0]
        if not pid or psutil.pid_exists(int(pid)):
            lock.unlink()


def works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return bool(process.name() == "postgres" and process.cwd() == str(data))
    except psutil.Error:
        return False


def become_postgres(data: Path, port: int, more: list[str]) -> None:
    clear_remains(data)
    options = [f"{name}={value}" for name, value in SETTINGS.items()] + [f"port={port}", *more]
    flags = [word for option in options for word in ("-c", option)]
    server = (str(find_postgres() / "postgres"), "-D", str(data), *flags)
    # Tethered inside: to enter a namespace is to cut the tether.
    command = (*ordinary_user(data.parent), *tethered(server, "SIGINT"))
    os.execvp(command[0], command)


if __name__ == "__main__":
    become_postgres(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
