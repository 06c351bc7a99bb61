"""How long things took."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """
    A distribution of times, in seconds.
    """

    count: int
    p50: float
    p95: float
    p99: float
    longest: float

    def __str__(self) -> str:
        if not self.count:
            return "none measured"
        return (
            f"p50 {short(self.p50)}, p95 {short(self.p95)}, p99 {short(self.p99)},"
            f" longest {short(self.longest)}"
        )


def latency_of(seconds: Sequence[float]) -> Latency:
    """
    Summarize *seconds*. A percentile is a time that was measured (nearest rank), never a mix.
    """
    ordered = sorted(seconds)
    if not ordered:
        return Latency(count=0, p50=0, p95=0, p99=0, longest=0)

    def at(percent: int) -> float:
        return round(ordered[-(-percent * len(ordered) // 100) - 1], 6)

    return Latency(
        count=len(ordered), p50=at(50), p95=at(95), p99=at(99), longest=round(ordered[-1], 6)
    )


def short(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
