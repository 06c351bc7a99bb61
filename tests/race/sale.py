"""One sale: buyers who confirm, give back or forget, and what each of them was told."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from uuid import uuid4

import grpc
from google.protobuf.duration_pb2 import Duration

from chassis.rpc.errors import reason_of
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1.product_service_pb2_grpc import ProductServiceStub

# At once; the others queue up behind them.
IN_FLIGHT = 500

# How long the hold of somebody lasts who will forget it. The buyers come back this much later.
SHORT_SECONDS = 0.7
LATE_SECONDS = 0.3


@dataclass
class Sale:
    """
    Attributes:
        told: What buyers were told in the end, such as CONFIRMED or OUT_OF_STOCK.
        answers: How many answers there were; a replica is killed after some.
        wrongs: What must never be told.
    """

    sku: str
    told: Counter = field(default_factory=Counter)
    answers: int = 0
    wrongs: list[str] = field(default_factory=list)


async def hold_sale(sale, product: ProductServiceStub, *, buyers, seed):
    """
    Let all *buyers* in, and return when each has had his answers.
    """
    door = asyncio.Semaphore(IN_FLIGHT)

    async def enter(number):
        async with door:
            await buy(sale, product, Random(f"{seed} {number}"))

    async with asyncio.TaskGroup() as tasks:
        for number in range(buyers):
            tasks.create_task(enter(number))


async def buy(sale, product, chance):
    id_ = str(uuid4())
    habit = chance.choice(["buys", "buys", "gives back", "comes late"])
    hold = Duration(seconds=60)
    if habit == "comes late":
        hold.FromMilliseconds(round(SHORT_SECONDS * 1_000))
    # The same SKU on two lines is one wish for their sum.
    lines = [pb.ReservationLine(sku=sale.sku, quantity=1) for _ in range(chance.choice([1, 1, 2]))]
    wish = pb.ReservationRequest(reservation_id=id_, lines=lines, hold=hold)

    held = await until_told(sale, product.ReserveStock, pb.ReserveStockRequest(reservations=[wish]))
    if isinstance(held, str):
        # A repeated call may find its own hold expired: it was told nothing before.
        sale.told[held] += 1
        return
    if habit == "gives back":
        await until_told(
            sale, product.ReleaseReservations, pb.ReleaseReservationsRequest(reservation_ids=[id_])
        )
        sale.told["RELEASED"] += 1
        return
    if habit == "comes late":
        ends = held.expire_time.ToDatetime(UTC)
        left = (ends - datetime.now(UTC)).total_seconds()
        await asyncio.sleep(max(left, 0) + chance.uniform(0.001, LATE_SECONDS))
    request = pb.ConfirmReservationsRequest(reservation_ids=[id_])
    confirmed = await until_told(sale, product.ConfirmReservations, request)
    if isinstance(confirmed, str):
        sale.told[confirmed] += 1
        return
    sale.told["CONFIRMED"] += sum(each.quantity for each in confirmed.allocations)
    if habit == "comes late":
        sale.wrongs.append(f"{id_} was confirmed after its hold had ended")


async def until_told(sale, method, request):
    """
    Ask until somebody answers; return the reservation, or the reason why there is none.
    """
    while True:
        try:
            (result,) = (await method(request, timeout=5)).results
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT):
                sale.wrongs.append(f"{error.code().name}: {error.details()}")
                return error.code().name
            await asyncio.sleep(0.05)
            continue
        sale.answers += 1
        if result.HasField("error"):
            return reason_of(result.error)
        return result.reservation
