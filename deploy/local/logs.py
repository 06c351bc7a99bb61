"""Show the ends of the logs: all of them, or those of one service."""

import asyncio
from argparse import ArgumentParser, Namespace
from pathlib import Path

from deploy.local.errors import NotRunning
from deploy.local.processes import last_lines

LINES = 50
BETWEEN_LOOKS_SECONDS = 0.2


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "service", nargs="?", default="", help="such as order, order-1, postgres (default: all)"
    )
    parser.add_argument("--follow", "-f", action="store_true", help="go on until interrupted")


async def run(arguments: Namespace) -> int:
    logs = find_logs(arguments.state, arguments.service)
    positions = {log: log.stat().st_size for log in logs}
    for log in logs:
        show(log, last_lines(log, LINES), alone=len(logs) == 1)
    while arguments.follow:
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
        logs = find_logs(arguments.state, arguments.service)
        for log in logs:
            text, positions[log] = read_on(log, positions.get(log, 0))
            show(log, text, alone=len(logs) == 1)
    return 0


def find_logs(state: Path, service: str) -> list[Path]:
    """
    Return the logs of *service*, or of everyone.

    Raises:
        NotRunning: There are none.
    """
    everyone = sorted((state / "logs").glob("*.log"))
    if not everyone:
        raise NotRunning(f"there are no logs in {state}: start a cluster with `make up`")
    logs = [log for log in everyone if service in ("", log.stem, log.stem.rpartition("-")[0])]
    if not logs:
        names = ", ".join(log.stem for log in everyone)
        raise NotRunning(f"there is no log of {service}; there are: {names}")
    return logs


def read_on(log: Path, position: int) -> tuple[str, int]:
    """
    Return the whole lines of *log* after *position*, and where they end.
    """
    if log.stat().st_size < position:
        position = 0  # It was begun anew.
    with log.open("rb") as file:
        file.seek(position)
        lines, newline, _ = file.read().rpartition(b"\n")
    return lines.decode(errors="replace"), position + len(lines) + len(newline)


def show(log: Path, text: str, *, alone: bool) -> None:
    # In one stream of many logs every line says whose it is.
    prefix = "" if alone else f"{log.stem} | "
    for line in text.splitlines():
        print(prefix + line, flush=True)
