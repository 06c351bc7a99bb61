"""A run: start everyone, let faults loose, let everything heal, compare."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from chassis.events.broker import connect_broker
from deploy.local.progress import progress
from tests.stress.checker import (
    Checker,
    checker,
    export_committed,
    wait_for_last_commits,
)
from tests.stress.crew import Crew, crew
from tests.stress.deck import Deck
from tests.stress.faults import Scene
from tests.stress.observer import AWAY, Observer
from tests.stress.plan import Plan
from tests.stress.report import Group, Report
from tests.stress.servers import Servers, servers

BETWEEN_LOOKS_SECONDS = 0.5


async def run(plan: Plan, directory: Path, *, quiet: bool = False) -> Report:
    """
    Do what *plan* says, with all data and logs in *directory*.
    """
    async with (
        servers(directory, plan) as stage,
        observing(stage) as observer,
        crew(plan, stage, directory) as everyone,
    ):
        dice = random.Random(plan.seed)
        scene = Scene(servers=stage, crew=everyone, observer=observer, dice=dice)
        deck = Deck(plan.faults, scene)
        began = time.monotonic()
        with told_progress(plan, observer, deck, began, quiet=quiet) as told:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(observer.watch(told, everyone.tell_writers))
                await play(plan, observer, deck)
                await everyone.dismiss("writer")
                await wait_for_last_commits(stage.writers)
                report = await settle_and_compare(plan, stage, everyone, observer, deck, began)
                watching.cancel()
        return report


async def play(plan: Plan, observer: Observer, deck: Deck) -> None:
    """
    Do to the crew what is in the deck, for as long as the plan says and things move at all.
    """

    async def deal() -> None:
        await observer.effects_grow()
        began = time.monotonic()

        def enough() -> bool:
            if plan.events:
                return observer.committed >= plan.events
            return time.monotonic() - began >= plan.seconds

        await deck.deal(enough)

    dealing = asyncio.create_task(deal())
    while not dealing.done() and observer.still_seconds < plan.patience_seconds:
        await asyncio.wait({dealing}, timeout=BETWEEN_LOOKS_SECONDS)
    # If nothing has moved for so long, nothing will: some fault waits for what never comes.
    dealing.cancel()
    with suppress(asyncio.CancelledError):
        await dealing


@contextmanager
def told_progress(
    plan: Plan, observer: Observer, deck: Deck, began: float, *, quiet: bool
) -> Generator[Callable[[], None]]:
    """
    Show progress for the length of the block; call what this yields now and then.
    """

    def done() -> int:
        if plan.events:
            return observer.committed
        return int(time.monotonic() - began) if plan.seconds else deck.done.total()

    title, total = "faults", len(plan.faults)
    if plan.events:
        title, total = "events", plan.events
    elif plan.seconds:
        title, total = "seconds", int(plan.seconds)
    with progress(title, total, quiet=quiet) as tell:

        def told() -> None:
            news = [
                f"{observer.committed:,} committed",
                *(f"{group} {count:,}" for group, count in observer.effects.items()),
                f"{deck.done.total()} faults",
                *deck.at_work.elements(),
            ]
            # Short of the end, which is later.
            tell(min(done(), total - 1), ", ".join(news))

        yield told


async def settle_and_compare(
    plan: Plan, stage: Servers, everyone: Crew, observer: Observer, deck: Deck, began: float
) -> Report:
    committed = stage.nats_store.parent / "committed.copy"
    events = await export_committed(stage.writers, committed)
    async with AsyncExitStack() as stack:
        checkers = {
            group: await stack.enter_async_context(checker(group, database, committed))
            for group, database in stage.groups.items()
        }
        await settled(list(checkers.values()), observer, plan.patience_seconds)
        seconds = time.monotonic() - began
        # Nothing may move while it is compared.
        await everyone.dismiss()
        deliveries = observer.forgotten + await observer.deliveries_now()
        findings = {group: await checkers[group].findings() for group in checkers}
    return Report(
        seed=plan.seed,
        mistake=plan.mistake,
        seconds=round(seconds, 1),
        events=events,
        events_per_second=round(events / seconds, 1),
        groups={
            group: Group(
                effects=found.effects,
                deliveries=deliveries[group],
                repeats=max(deliveries[group] - events, 0),
                violations=found.counts,
            )
            for group, found in findings.items()
        },
        faults=dict(sorted(deck.done.items())),
        lives=dict(everyone.lives),
        unasked=sum(member.unasked for member in everyone.everyone),
        examples=[example for found in findings.values() for example in found.examples],
    )


async def settled(checkers: list[Checker], observer: Observer, patience_seconds: float) -> None:
    """
    Wait until everything committed has taken effect and all deliveries are acknowledged, or until
    no effect has been added for a long time.
    """
    fewest, changed_at, looks = [-1], time.monotonic(), 0
    # Twice in a row: what was published twice may be on its way.
    while looks < 2 and time.monotonic() - changed_at < patience_seconds:
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
        missing = [await each.missing() for each in checkers]
        if missing != fewest:
            fewest, changed_at = missing, time.monotonic()
        looks = looks + 1 if not any(missing) and await is_drained(observer) else 0


async def is_drained(observer: Observer) -> bool:
    try:
        return await observer.is_drained()
    except AWAY:
        return False


@asynccontextmanager
async def observing(stage: Servers) -> AsyncGenerator[Observer]:
    broker = await connect_broker(stage.nats_url, name="observer")
    try:
        yield Observer(stage, broker)
    finally:
        await broker.close()
