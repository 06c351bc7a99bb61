"""
Goods that come back: each return is asked for when its order is completed, and followed until it is
closed, as orders are: by events, and by asking for those that were not heard of. The warehouse that
counts what comes is the cluster's.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nats.aio.client import Client
from nats.aio.msg import Msg

from chassis.rpc.errors import reason_of
from deploy.local.invoices.invoice_order import InvoiceReturn
from deploy.local.world.outcomes import BETWEEN_LOOKS_SECONDS, MOST_LOOKS, SILENT_SECONDS
from deploy.local.world.patience import CallRefused, Patience, is_passing
from deploy.local.world.services import Services
from deploy.providers.stage import Stage
from retail.fulfillment.v1 import return_service_pb2 as pb

AT_ONCE = 32
ENDS = ("ReturnClosed", "ReturnDeclined", "ReturnCancelled")
ENDED = {
    pb.RETURN_STATE_CLOSED,
    pb.RETURN_STATE_DECLINED,
    pb.RETURN_STATE_CANCELLED,
}


@dataclass(slots=True, kw_only=True)
class Returned:
    """
    A return under way.

    Attributes:
        order_id: What it gives goods back of.
        known: Whether fulfillment knows of it.
        seconds: How long it took from asked for to closed, if it was closed meanwhile.
        state: Such as CLOSED, once it has ended; what it was refused for, if it was.
        refunded: What was paid back, in minor units.
    """

    wanted: InvoiceReturn
    order_id: str
    asked_at: float
    looked_at: float
    known: bool = False
    seconds: float | None = None
    state: str = ""
    refunded: int = 0

    @property
    def id(self) -> str:
        return str(self.wanted.return_id)


class Returning:
    """
    Asks for returns as customers do, and agrees to them as the shop does.

    Attributes:
        states: What became of those that have ended.
        without_order: How many are not asked for, by what became of their order.
    """

    def __init__(
        self, returns: Iterable[InvoiceReturn], services: Services, patience: Patience
    ) -> None:
        self._by_invoice: dict[str, list[InvoiceReturn]] = {}
        for each in returns:
            self._by_invoice.setdefault(each.invoice, []).append(each)
        self._services = services
        self._patience = patience
        self._asking = Stage(self._ask)
        self._agreeing = Stage(self._agree)
        self._looking = Stage(self._look)
        self._open: dict[str, Returned] = {}
        self._changed = asyncio.Event()
        self.followed: list[Returned] = []
        self.states: Counter[str] = Counter()
        self.without_order: Counter[str] = Counter()

    @property
    def under_way(self) -> int:
        return len(self._open)

    @property
    def ended(self) -> int:
        """
        How many have come to their end, those included that were never asked for.
        """
        return self.states.total() + self.without_order.total()

    def order_ended(self, invoice: str, order_id: str, status: str) -> None:
        """
        Ask for what comes back of an order, now that it has ended.
        """
        wanted = self._by_invoice.pop(invoice, [])
        if status != "COMPLETED":
            self.without_order[f"its order is {status}"] += len(wanted)
            return
        now = time.monotonic()
        fresh = [
            Returned(wanted=each, order_id=order_id, asked_at=now, looked_at=now) for each in wanted
        ]
        self.followed += fresh
        self._open |= {each.id: each for each in fresh}
        self._asking.put(fresh)

    def count_rest(self) -> None:
        """
        Count those whose orders were not placed, now that no more will be.
        """
        rest = sum(len(each) for each in self._by_invoice.values())
        if rest:
            self.without_order["its order was not placed"] += rest
        self._by_invoice.clear()

    async def all_ended(self) -> None:
        while self._open:
            self._changed.clear()
            await self._changed.wait()

    async def run(self) -> None:
        """
        Work until cancelled.
        """
        async with asyncio.TaskGroup() as tasks:
            for stage in (self._asking, self._agreeing, self._looking):
                tasks.create_task(stage.run())
            await self._sweep()

    async def hear(self, message: Msg) -> None:
        """
        Look at a return that has told its end.
        """
        if each := self._open.get((message.headers or {}).get("ce-subject", "")):
            self._looking.put([each])

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
            now = time.monotonic()
            silent = [
                each
                for each in self._open.values()
                if each.known and now - each.looked_at > SILENT_SECONDS
            ]
            self._looking.put(silent[:MOST_LOOKS])

    async def _ask(self, returns: Sequence[Returned]) -> None:
        await self._call_each(self._ask_for, returns)

    async def _look(self, returns: Sequence[Returned]) -> None:
        await self._call_each(self._look_at, returns)

    async def _call_each(
        self, call: Callable[[Returned], Awaitable[pb.Return]], returns: Sequence[Returned]
    ) -> None:
        some_at_once = asyncio.Semaphore(AT_ONCE)

        async def one(each: Returned) -> None:
            async with some_at_once:
                try:
                    self._note(await call(each))
                except CallRefused as refusal:
                    self._refuse(each.id, refusal.reason or str(refusal))

        async with asyncio.TaskGroup() as tasks:
            for each in returns:
                tasks.create_task(one(each))

    async def _ask_for(self, each: Returned) -> pb.Return:
        answer = await self._patience(self._services.returns.RequestReturn, request_of(each))
        return answer.customer_return

    async def _look_at(self, each: Returned) -> pb.Return:
        request = pb.GetReturnRequest(account_id=each.wanted.account_id, return_id=each.id)
        return (await self._patience(self._services.returns.GetReturn, request)).customer_return

    async def _agree(self, returns: Sequence[pb.Return]) -> None:
        request = pb.ApproveReturnsRequest(return_ids=[each.return_id for each in returns])
        answer = await self._patience(self._services.returns.ApproveReturns, request)
        for each, result in zip(returns, answer.results, strict=True):
            if not result.HasField("error"):
                self._note(result.customer_return)
            elif is_passing(result.error):
                self._agreeing.put([each])
            else:
                self._refuse(each.return_id, reason_of(result.error) or result.error.message)

    def _note(self, news: pb.Return) -> None:
        """
        Do what a return waits for, as it is now. Once it is approved, that is the warehouse of the
        cluster, and then the services themselves.
        """
        each = self._open.get(news.return_id)
        if each is None:
            return
        each.looked_at, each.known = time.monotonic(), True
        if news.state == pb.RETURN_STATE_REQUESTED:
            self._agreeing.put([news])
        elif news.state in ENDED:
            each.seconds = each.looked_at - each.asked_at
            each.refunded = pennies(news)
            self._end(each, pb.ReturnState.Name(news.state).removeprefix("RETURN_STATE_"))

    def _refuse(self, return_id: str, reason: str) -> None:
        each = self._open.get(return_id)
        if each is None:
            return
        if reason == "RETURN_NOT_IN_STATE":
            # Somebody else has decided meanwhile.
            self._looking.put([each])
        else:
            self._end(each, reason)

    def _end(self, each: Returned, state: str) -> None:
        each.state = state
        self.states[state] += 1
        del self._open[each.id]
        self._changed.set()


def request_of(each: Returned) -> pb.RequestReturnRequest:
    """
    Return what asks for a return: for one cancellation of one order always the same.
    """
    return pb.RequestReturnRequest(
        account_id=each.wanted.account_id,
        order_id=each.order_id,
        return_id=each.id,
        lines=[
            pb.WantedReturnLine(
                sku=sku,
                quantity=units,
                reason=pb.RETURN_REASON_CHANGED_MIND,
                comment=f"invoice {each.wanted.cancellation}",
            )
            for sku, units in each.wanted.units
        ],
    )


def pennies(news: pb.Return) -> int:
    return int(news.refunded.units * 100 + news.refunded.nanos // 10_000_000)


@asynccontextmanager
async def returning_goods(returning: Returning, broker: Client) -> AsyncGenerator[None]:
    """
    Have goods returned for the length of the block.
    """
    subscriptions = [
        await broker.subscribe(f"retail.fulfillment.v1.{subject}", cb=returning.hear)
        for subject in ENDS
    ]
    await broker.flush()
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(returning.run())
        try:
            yield
        finally:
            working.cancel()
            if broker.is_connected:
                for subscription in subscriptions:
                    await subscription.unsubscribe()
