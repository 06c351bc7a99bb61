"""How far it is: a bar on a terminal, a line now and then where there is none."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

BETWEEN_LINES_SECONDS = 5.0

# Tells how much is done, and what else there is to say.
Tell = Callable[[int, str], None]


@contextmanager
def progress(title: str, total: int, *, quiet: bool = False) -> Generator[Tell]:
    """
    Show progress towards *total* for the length of the block, on standard error:

        with progress("orders", 100) as tell:
            tell(17, "3 under way")
    """
    if quiet:
        yield lambda _done, _more: None
    elif sys.stderr.isatty():
        with _bar(title, total) as tell:
            yield tell
    else:
        yield _lines(title, total)


@contextmanager
def _bar(title: str, total: int) -> Generator[Tell]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[more]}"),
    )
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=5) as bar:
        task = bar.add_task(title, total=total, more="")
        yield lambda done, more: bar.update(task, completed=done, more=more)


def _lines(title: str, total: int) -> Tell:
    began = time.monotonic()
    next_at = began

    def tell(done: int, more: str) -> None:
        nonlocal next_at
        now = time.monotonic()
        if now >= next_at or done == total:
            next_at = now + BETWEEN_LINES_SECONDS
            print(f"  {now - began:6.1f} s  {title} {done:,}/{total:,}  {more}", file=sys.stderr)

    return tell
