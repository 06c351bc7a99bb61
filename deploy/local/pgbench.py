"""pgbench, which asks a server for the same over and over."""

import asyncio
import subprocess
from functools import partial
from pathlib import Path
from subprocess import PIPE, STDOUT
from tempfile import TemporaryDirectory

from deploy.local.errors import CommandFailed
from deploy.local.initdb import find_postgres


async def transactions_a_second(url: str, statement: str, *, clients: int, seconds: float) -> float:
    """
    Return how often a second so many *clients* do *statement*, each time in a transaction.

    Raises:
        CommandFailed: It cannot be done.
    """
    with TemporaryDirectory(prefix="waybill-pgbench-") as directory:
        script = Path(directory) / "statement.sql"
        script.write_text(" ".join(statement.split("\n")) + ";\n")
        command = (
            *(str(find_postgres() / "pgbench"), "--no-vacuum", "--protocol=prepared"),
            *(f"--client={clients}", f"--time={max(round(seconds), 1)}", f"--file={script}", url),
        )
        # In a thread: the event loop would fork, which gRPC does not like.
        run = partial(subprocess.run, stdout=PIPE, stderr=STDOUT, text=True, check=False)
        output = (await asyncio.to_thread(run, command)).stdout
    rates = [line.split()[2] for line in output.splitlines() if line.startswith("tps = ")]
    if not rates:
        raise CommandFailed(f"pgbench failed:\n{output[-2_000:]}")
    return float(rates[0])
