"""Journeys of the showcase under way, told as they go."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from chassis.telemetry.tracing import current_traceparent, trace_id_of, tracer
from deploy.local.showcase.goods import Shop
from deploy.local.showcase.journeys import Journey
from deploy.local.showcase.making_good import made_good, send_back
from deploy.local.showcase.outcome import Outcome, outcome_of
from deploy.local.world.patience import Patience
from deploy.local.world.services import Services
from deploy.local.world.watching import watched_to_its_end
from retail.order.v1 import order_service_pb2 as pb


class Travels:
    """
    Args:
        report: Called with a line for each step of each order.
    """

    def __init__(
        self,
        *,
        shop: Shop,
        services: Services,
        patience: Patience,
        report: Callable[[str], None],
    ) -> None:
        self._shop = shop
        self._services = services
        self._patience = patience
        self._report = report
        self._began = time.monotonic()
        # How many entries of an order's timeline.
        self._told = Counter[str]()

    async def travel(self, journey: Journey) -> Sequence[Outcome]:
        """
        Place the order of *journey*, follow it to its end and until all that came back or was lost
        is made good; return what became of it, and of the order that came instead.
        """
        with tracer.start_as_current_span(f"customer: {journey.name}"):
            trace_id = trace_id_of(current_traceparent())
            request = journey.request(self._shop)
            placed = (await self._patience(self._services.order.PlaceOrder, request)).order
        order = await self._to_its_end(journey, placed)
        if not journey.comes_back:
            return [await self._outcome(journey, order, trace_id)]
        new = await send_back(
            journey,
            order,
            shop=self._shop,
            services=self._services,
            patience=self._patience,
        )
        instead = []
        if new and journey.instead:
            ended = await self._to_its_end(journey.instead, new)
            instead.append(await self._outcome(journey.instead, ended, trace_id))
        tell = partial(self._tell, journey)
        order = await made_good(order, services=self._services, patience=self._patience, tell=tell)
        return [await self._outcome(journey, order, trace_id), *instead]

    async def _to_its_end(self, journey: Journey, order: pb.Order) -> pb.Order:
        now = order
        async for now in watched_to_its_end(order, self._services):
            self._tell(journey, now)
        return now

    async def _outcome(self, journey: Journey, order: pb.Order, trace_id: str) -> Outcome:
        return await outcome_of(
            journey,
            order,
            trace_id,
            shop=self._shop,
            services=self._services,
            patience=self._patience,
        )

    def _tell(self, journey: Journey, order: pb.Order) -> None:
        """
        Tell the steps of *order* that were not told yet.
        """
        for entry in order.timeline[self._told[order.order_id] :]:
            after = f"+{time.monotonic() - self._began:.3f}"
            self._report(f"  {after:>7} s  {journey.name:<26} {entry.what}  ({entry.cause})")
        self._told[order.order_id] = len(order.timeline)
