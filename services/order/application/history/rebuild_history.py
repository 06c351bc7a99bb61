"""
Use case: the history of orders is told anew from the streams, while it goes on.

Everything the streams know is heard into a history beside the one that is shown, by the rules of
the live one. Then order by order takes the place of what is shown, some at a time under the
history's lock. Who listens goes on meanwhile: where the history has heard more than was read, the
order waits, the streams are read to their new end, and it is tried again. Versions tell which of
two has heard more, so nothing is lost and nothing counts twice.

What the streams have forgotten the beginning of stays as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.order.application.history.ports import Rebuilding, Streams

CONTEXTS = ("order", "payment", "fulfillment")

# An order tells some nine events in its life: hardly one gets ahead of its reader so many times.
# What still is ahead then knows something that its stream has lost.
MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildSummary:
    """
    Attributes:
        events: How many were read.
        orders: How many orders were told anew.
        missing: How many of them the history did not have.
        wrong: Of how many it said something else.
        ahead: How many keep a part that knows more than its stream.
    """

    events: int = 0
    orders: int = 0
    missing: int = 0
    wrong: int = 0
    ahead: int = 0


# Is told how far it has come, in words.
Progress = Callable[[str], None]


async def rebuild_history(
    *, streams: Streams, rebuilding: Rebuilding, progress: Progress
) -> RebuildSummary:
    """
    Make the history of orders what the streams tell.

    Safe to repeat, and to interrupt: what was taken over stands, and whoever starts again reads
    from the beginning.
    """
    places = dict.fromkeys(CONTEXTS, 0)
    events = await _read_on(streams, rebuilding, places, new=True, progress=progress)
    summary = RebuildSummary()
    for _ in range(MOST_ROUNDS):
        # Just before, so that few have gone on since.
        events += await _read_on(streams, rebuilding, places, new=False, progress=progress)
        summary = await _take_over(summary, rebuilding, progress)
        if not summary.ahead:
            break
    return replace(summary, events=events)


async def _read_on(
    streams: Streams,
    rebuilding: Rebuilding,
    places: dict[str, int],
    *,
    new: bool,
    progress: Progress,
) -> int:
    """
    Hear what the streams have told since *places*, up to now, and return how many events it was.
    """
    events = 0
    for context in CONTEXTS:
        end = await streams.end(context)
        async for read in streams.read(context, after=places[context], upto=end):
            await rebuilding.hear(context, read.told, new=new)
            places[context] = read.upto
            events += len(read.told)
            progress(f"{context}: {events:,} events read, {end - read.upto:,} to go")
    return events


async def _take_over(
    summary: RebuildSummary, rebuilding: Rebuilding, progress: Progress
) -> RebuildSummary:
    summary = replace(summary, ahead=0)
    last = None
    while True:
        portion = await rebuilding.take_over(last)
        if portion.last is None:
            return summary
        last = portion.last
        summary = replace(
            summary,
            orders=summary.orders + portion.orders,
            missing=summary.missing + portion.missing,
            wrong=summary.wrong + portion.wrong,
            ahead=summary.ahead + portion.behind,
        )
        progress(f"{summary.orders:,} orders taken over")
