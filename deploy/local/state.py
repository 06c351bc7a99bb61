"""The state directory: made, guarded, thrown away."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import Busy, StateNotWritable


@contextmanager
def exclusive(state: Path) -> Generator[None]:
    """
    Hold *state*, made if need be, for the length of the block.

    Raises:
        Busy: Another `up` or `down` holds it.
        StateNotWritable: It belongs to somebody else.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (state / "lock").open("a")
    except OSError as error:
        raise StateNotWritable(
            f"{state} cannot be written to ({error.strerror}): you are uid {os.geteuid()}."
            " Give it to yourself (chown -R), or keep the state elsewhere with --state DIR."
        ) from None
    with lock:
        try:
            # The kernel lets go when we end, however we end.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"another `up` or `down` is at work on {state}: wait for it, then try again"
            ) from None
        yield
