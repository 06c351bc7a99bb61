"""Invoices placed as orders: in batches, a few at once, never more under way than agreed."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID, uuid5

from chassis.rpc.errors import reason_of
from chassis.rpc.money import money_to_wire
from deploy.local.invoices.invoice_order import InvoiceOrder
from deploy.local.world.outcomes import Outcomes
from deploy.local.world.patience import Patience, is_passing
from deploy.local.world.services import Services
from retail.common.v1.address_pb2 import Address
from retail.order.v1 import order_service_pb2 as pb

# Fixed: a request id follows from the invoice number alone.
INVOICES = UUID("3f0c6d57-0f5b-5b7c-8a43-1f1f4a8d2b60")

BATCHES_AT_ONCE = 3
AGAIN_SECONDS = 0.2

# A call carries at most 4 MiB; a line takes some 40 bytes on the way there, 100 on the way back.
MOST_LINES_A_CALL = 10_000


class Placing:
    """
    Args:
        most_under_way: Back-pressure: no more orders than these are placed and not ended.
        speed: How many times as fast as it happened; `None`: as fast as it goes.
        stopping: When set, no more orders are placed.
    """

    def __init__(
        self,
        *,
        services: Services,
        patience: Patience,
        outcomes: Outcomes,
        batch: int,
        most_under_way: int,
        speed: float | None,
        stopping: asyncio.Event,
    ) -> None:
        self._services = services
        self._patience = patience
        self._outcomes = outcomes
        self._batch = batch
        self._most_under_way = most_under_way
        self._speed = speed
        self._stopping = stopping

    async def place(self, orders: Sequence[InvoiceOrder]) -> None:
        """
        Place *orders*, oldest first.
        """
        waiting = list(reversed(orders))
        began = time.monotonic()
        first = orders[0].date if orders else None

        async def lane() -> None:
            while waiting and not self._stopping.is_set():
                await self._outcomes.room(max(1, self._most_under_way - self._batch))
                batch: list[InvoiceOrder] = []
                lines = 0
                while waiting and len(batch) < self._batch and lines < MOST_LINES_A_CALL:
                    if self._speed and first:
                        happened = (waiting[-1].date - first).total_seconds() / self._speed
                        pause = began + happened - time.monotonic()
                        if pause > 0:
                            break
                    batch.append(waiting.pop())
                    lines += len(batch[-1].lines)
                if batch:
                    await self._place_batch(batch)
                else:
                    await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(BATCHES_AT_ONCE):
                tasks.create_task(lane())

    async def _place_batch(self, orders: Sequence[InvoiceOrder]) -> None:
        asked_at = time.monotonic()
        while orders:
            request = pb.BatchPlaceOrdersRequest(requests=[request_of(o) for o in orders])
            answer = await self._patience(self._services.order.BatchPlaceOrders, request)
            again: list[InvoiceOrder] = []
            for order, result in zip(orders, answer.results, strict=True):
                if result.HasField("order"):
                    self._follow(order, result.order, asked_at)
                elif is_passing(result.error):
                    again.append(order)
                else:
                    self._outcomes.refuse(reason_of(result.error) or result.error.message)
            orders = again
            if again:
                await asyncio.sleep(AGAIN_SECONDS)

    def _follow(self, invoice: InvoiceOrder, order: pb.Order, asked_at: float) -> None:
        self._outcomes.follow(invoice.invoice, order, asked_at=asked_at)


def request_of(order: InvoiceOrder) -> pb.PlaceOrderRequest:
    """
    Return the request that places *order*: for one invoice always the same.
    """
    return pb.PlaceOrderRequest(
        request_id=str(uuid5(INVOICES, order.invoice)),
        account_id=order.account_id,
        channel=pb.CHANNEL_BUSINESS,
        lines=[
            pb.OrderLineRequest(
                sku=line.sku,
                quantity=line.quantity.units,
                agreed_unit_price=money_to_wire(line.price),
            )
            for line in order.lines
        ],
        shipping=money_to_wire(order.shipping),
        discount=money_to_wire(order.discount),
        psp_token="tok_visa",
        ship_to=Address(
            name=order.account_id, lines=["not in the data"], country_code=order.country_code
        ),
        reference=order.invoice,
    )
