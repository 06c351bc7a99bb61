"""
What a replay remembers from one run to the next: what it has measured, and for how long it ran.

The orders themselves need no memory: placing one again under the same request id finds it again,
as it is by now.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from deploy.local.world.outcomes import Followed


@dataclass(slots=True, kw_only=True)
class ReplayState:
    """
    Attributes:
        runs: How many runs there were before this one.
        seconds: How long they were at it.
        times: Seconds to confirmed and to the end, by order id; ids are never used again, so what
            another cluster has left behind does no harm.
    """

    runs: int = 0
    seconds: float = 0.0
    times: dict[str, tuple[float | None, float | None]] = field(
        default_factory=dict[str, tuple[float | None, float | None]]
    )

    def note(self, orders: Iterable[Followed]) -> None:
        """
        Keep the times of *orders*; those of an order that had ended before stay as they were.
        """
        for order in orders:
            earlier = self.times.get(order.order_id, (None, None))
            now = (order.confirmed, order.ended)
            best = tuple(new if old is None else old for old, new in zip(earlier, now, strict=True))
            self.times[order.order_id] = (best[0], best[1])


def load_state(file: Path) -> ReplayState:
    """
    Return what *file* remembers; nothing if it is not there, or makes no sense.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=ReplayState)
    except (OSError, msgspec.DecodeError):
        return ReplayState()


def save_state(state: ReplayState, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(state))
    fresh.replace(file)
