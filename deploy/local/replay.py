"""
Replay real invoices as orders and returns, and follow each to its end.

DATA is a CSV file (also .xz) with the columns of the Online Retail data set, or a folder of them.
Every ordinary invoice becomes one BUSINESS order with agreed unit prices, every cancellation
returns of what its customer had bought; what cannot be mapped is counted by reason. Products and
stock are brought in first; the cluster's providers accept, dispatch and deliver; what comes back is
counted, restocked and refunded. Ends with 0 only if every order has ended, every return is closed
and every invariant holds.

Ctrl-C places no more orders and lets those under way end; once more, and it stops at once. The
same command goes on where it stopped: nothing is done twice.
"""

import asyncio
import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from chassis.events.broker import connect_broker
from deploy.local.arguments import at_least, share_from, speed_from
from deploy.local.cluster import Cluster, load, to_json
from deploy.local.invoices.goods import bring_goods
from deploy.local.invoices.mapping import Mapping, map_invoices
from deploy.local.invoices.placing import Placing
from deploy.local.invoices.reading import files_in, lines_of
from deploy.local.invoices.returning import Returning, returning_goods
from deploy.local.kills import Kills, kills_of
from deploy.local.progress import progress
from deploy.local.providers import providers_at_work
from deploy.local.replay_state import ReplayState, load_state, save_state
from deploy.local.replay_summary import show_accounts, show_summary, summary_of
from deploy.local.returns_summary import returns_ended_well, summary_of_returns
from deploy.local.verify import verify
from deploy.local.while_running import while_running
from deploy.local.world.outcomes import Followed, Outcomes, listening
from deploy.local.world.patience import Patience
from deploy.local.world.services import Services, services_of

MOST_UNDER_WAY = 2_000
BETWEEN_SAVES_SECONDS = 5.0


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help="a CSV file, or a folder of them")
    parser.add_argument(
        "--speed",
        type=speed_from,
        default=None,
        metavar="N|max",
        help="so many times as fast as it happened; max (default): as fast as the cluster goes",
    )
    parser.add_argument("--limit", type=at_least(1), metavar="N", help="the first N invoices only")
    parser.add_argument(
        "--batch",
        type=at_least(1, most=500),
        default=100,
        metavar="N",
        help="orders a call (default: 100)",
    )
    parser.add_argument(
        "--short",
        type=share_from,
        default=0.0,
        metavar="SHARE",
        help="of so many products only half is in stock, 0 to 1 (default: 0)",
    )
    parser.add_argument(
        "--kill",
        metavar="SERVICE",
        default="",
        help="kill -9 this service meanwhile, such as order",
    )
    parser.add_argument("--kills", type=at_least(1), metavar="N", help="how often (default: 10)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    kills = kills_of(cluster, arguments.kill, times=arguments.kills)
    files = files_in(arguments.data)
    mapping = map_invoices(
        (line for file in files for line in lines_of(file)), limit=arguments.limit
    )
    if not arguments.json:
        show_accounts(mapping.accounts)
    file = cluster.state / "replay" / f"{name_of(arguments)}.json"
    replay = Replay(cluster, mapping, file=file, arguments=arguments, kills=kills)
    all_ended = await while_running(cluster, replay.run())
    if not all_ended:
        print("Stopped. The same command goes on from here; nothing is done twice.")
        return 130
    if not arguments.json:
        print("\nChecking every invariant …")
    verdict = await verify(cluster, wait_seconds=10)
    summary = summary_of(mapping.accounts, replay.outcomes, replay.state, verdict)
    summary |= summary_of_returns(mapping.accounts, replay.returning)
    summary |= {
        "repeated_calls": replay.patience.repeats,
        "kills": kills.done if kills else 0,
        "kills_asked": kills.times if kills else 0,
    }
    file.write_bytes(to_json(summary))
    if arguments.json:
        print(to_json(summary).decode(), end="")
    else:
        show_summary(summary, verdict)
        print(f"\nThe summary as JSON: {file}")
    all_well = not summary["not_ended"] and returns_ended_well(summary)
    return 0 if verdict.holds and all_well else 1


def name_of(arguments: Namespace) -> str:
    name = arguments.data.resolve().name.removesuffix(".xz").removesuffix(".csv")
    return name if arguments.limit is None else f"{name}-first-{arguments.limit}"


class Replay:
    """
    One run of a replay.
    """

    def __init__(
        self,
        cluster: Cluster,
        mapping: Mapping,
        *,
        file: Path,
        arguments: Namespace,
        kills: Kills | None,
    ) -> None:
        self._cluster = cluster
        self._mapping = mapping
        self._state_file = file.with_suffix(".state")
        self._arguments = arguments
        self._stopping = asyncio.Event()
        self.patience = Patience()
        self.state: ReplayState = load_state(self._state_file)
        self._kills = kills
        self.outcomes: Outcomes
        self.returning: Returning

    async def run(self) -> bool:
        """
        Place all orders and follow them to their end; return whether it came to that.
        """
        broker = await connect_broker(self._cluster.nats_url, name="replay")
        try:
            async with (
                providers_at_work(self._cluster) as retire,
                services_of(self._cluster) as services,
            ):
                self.returning = Returning(self._mapping.returns, services, self.patience)
                self.outcomes = Outcomes(
                    services=services, patience=self.patience, told=self._order_ended
                )
                await bring_goods(
                    self._mapping,
                    name=name_of(self._arguments),
                    arguments=self._arguments,
                    services=services,
                    patience=self.patience,
                )
                async with (
                    listening(self.outcomes, broker),
                    returning_goods(self.returning, broker),
                ):
                    ended = await self._place_all(services)
                    if not self.outcomes.under_way:
                        await retire()
        finally:
            await broker.close()
        return ended

    async def _place_all(self, services: Services) -> bool:
        orders = self._mapping.orders
        placing = Placing(
            services=services,
            patience=self.patience,
            outcomes=self.outcomes,
            batch=self._arguments.batch,
            most_under_way=MOST_UNDER_WAY,
            speed=self._arguments.speed,
            stopping=self._stopping,
        )
        began, before = time.monotonic(), self.state.seconds
        self.state.runs += 1
        things = len(orders) + len(self._mapping.returns)

        with (
            self._stopped_by_ctrl_c(),
            progress("orders and returns", things, quiet=self._arguments.json) as tell,
        ):

            async def show() -> None:
                saved_at = began
                while True:
                    await asyncio.sleep(0.2)
                    now = time.monotonic()
                    self.state.seconds = before + now - began
                    tell(self._ended, self._more(now - began))
                    if now - saved_at > BETWEEN_SAVES_SECONDS:
                        saved_at = now
                        self._save()

            async def work() -> None:
                await placing.place(orders)
                await self.outcomes.all_ended()
                self.returning.count_rest()
                await self.returning.all_ended()

            ended = True
            async with asyncio.TaskGroup() as tasks:
                showing = tasks.create_task(show())
                self._working = tasks.create_task(work())
                killing = tasks.create_task(self._kill(len(orders)))
                with suppress(asyncio.CancelledError):
                    await self._working
                ended = not self._working.cancelled() and not self._stopping.is_set()
                showing.cancel()
                killing.cancel()
            self.state.seconds = before + time.monotonic() - began
            tell(self._ended, self._more(time.monotonic() - began))
        self._save()
        return ended

    @property
    def _ended(self) -> int:
        return self.outcomes.ended + self.returning.ended

    async def _kill(self, orders: int) -> None:
        if self._kills:
            # Placing is half of it: orders that wait for one another end all at once.
            await self._kills.run(
                lambda: len(self.outcomes.followed) + self.outcomes.ended, 2 * orders
            )

    def _order_ended(self, order: Followed) -> None:
        self.returning.order_ended(order.key, order.order_id, order.status)

    def _save(self) -> None:
        self.state.note(self.outcomes.followed)
        save_state(self.state, self._state_file)

    def _more(self, seconds: float) -> str:
        counts = self.outcomes.counts
        lost = counts["rejected"] + counts["cancelled"]
        return (
            f"{self.outcomes.under_way:,} orders under way, {counts['completed']:,} completed,"
            f" {lost:,} rejected or cancelled, {self.outcomes.ended / seconds:,.0f}/s;"
            f" {self.returning.under_way:,} returns under way,"
            f" {self.returning.states['CLOSED']:,} closed"
        )

    @contextmanager
    def _stopped_by_ctrl_c(self) -> Generator[None]:
        """
        Let what is under way end at Ctrl-C, for the length of the block.
        """

        def stop() -> None:
            if self._stopping.is_set():
                self._working.cancel()
                return
            self._stopping.set()
            print(
                f"\nStopping: {self.outcomes.under_way:,} orders and"
                f" {self.returning.under_way:,} returns are under way and may end."
                " Ctrl-C again to leave them where they are: go on within half a minute then, or"
                " offers run out and orders are cancelled for want of a provider.",
                file=sys.stderr,
            )

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, stop)
        try:
            yield
        finally:
            # Whoever has seen enough of the checking that follows may end it, too.
            loop.remove_signal_handler(signal.SIGINT)
