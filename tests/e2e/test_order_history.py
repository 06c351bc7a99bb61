"""What the events tell of orders is what the orders say of themselves."""

import asyncio
from contextlib import suppress
from random import Random

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from retail.order.v1 import order_history_service_pb2 as history_pb
from retail.order.v1 import order_service_pb2 as pb
from tests.e2e.conftest import ENDED, pounds, refusal_of

RACING = 20


async def cancel(shop, order_id):
    request = pb.CancelOrderRequest(account_id=shop.account, order_id=order_id)
    await shop.services.order.CancelOrder(request)


async def change(shop, order_id, quantity):
    line = pb.OrderLineChange(number=1, quantity=quantity)
    request = pb.ChangeOrderRequest(account_id=shop.account, order_id=order_id, lines=[line])
    await shop.services.order.ChangeOrder(request)


async def sooner_or_later(chance, ask):
    """
    Ask at some moment of an order's life; it may be too late.
    """
    await asyncio.sleep(chance.uniform(0, 0.4))
    with suppress(grpc.aio.AioRpcError):
        await ask


async def history_of(shop, **wish):
    request = history_pb.ListOrderHistoryRequest(account_id=shop.account, **wish)
    return await shop.services.order_history.ListOrderHistory(request)


async def orders_of(shop, **wish):
    request = pb.ListOrdersRequest(account_id=shop.account, page_size=100, **wish)
    return (await shop.services.order.ListOrders(request)).orders


def money(status):
    # An order that is cancelled while money is being set aside never hears what became of it.
    return pb.PAYMENT_STATUS_NONE if status == pb.PAYMENT_STATUS_VOIDED else status


def as_the_order_says(order):
    return {
        "order_id": order.order_id,
        "status": order.status,
        "payment_status": money(order.payment_status),
        "fulfillment_status": order.fulfillment_status,
        "grand_total": order.grand_total.units,
        "reason": order.reason if order.status != pb.ORDER_STATUS_COMPLETED else "",
        "units": sum(line.quantity for line in order.lines),
        "parcels": len(order.shipments),
        "captured": sum(parcel.value.units for parcel in order.shipments),
    }


def as_the_history_says(summary):
    return {
        "order_id": summary.order_id,
        "status": summary.status,
        "payment_status": money(summary.payment_status),
        "fulfillment_status": summary.fulfillment_status,
        "grand_total": summary.grand_total.units,
        "reason": summary.reason,
        "units": sum(item.quantity for item in summary.items),
        "parcels": summary.parcels_delivered,
        "captured": summary.captured.units,
    }


async def until_they_agree(shop):
    """
    Return the history of the shop once it says what the orders do.
    """
    said = [as_the_order_says(order) for order in await orders_of(shop)]
    for _ in range(150):
        history = (await history_of(shop, page_size=100)).orders
        told = [as_the_history_says(summary) for summary in history]
        if told == said:
            break
        await asyncio.sleep(0.1)
    assert told == said
    return history


async def test_it_tells_of_every_end_what_the_order_says(shop, provider):
    sku = await shop.lamps(100)
    cancelled = await shop.place(sku, 2)
    await shop.until(cancelled.order_id, pb.ORDER_STATUS_PLACED)
    await cancel(shop, cancelled.order_id)
    async with provider("swift"):
        placed = [
            await shop.place(sku, 1_000),
            await shop.place(sku, 1, psp_token="tok_chargeDeclined"),
            await shop.place(sku, 1, shipping=pounds(5)),
        ]
        for order in (cancelled, *placed):
            await shop.outcome_of(order.order_id)

    history = await until_they_agree(shop)

    ends = {summary.order_id: summary for summary in history}
    assert [ends[order.order_id].reason for order in placed] == [
        "OUT_OF_STOCK",
        "PAYMENT_DECLINED",
        "",
    ]
    well = ends[placed[2].order_id]
    times = [well.place_time, well.confirm_time, well.dispatch_time, well.deliver_time]
    assert all(time.seconds for time in times)
    assert not ends[cancelled.order_id].HasField("dispatch_time")
    assert well.captured == pounds(15)


async def test_it_agrees_after_a_race_of_second_thoughts(shop, provider):
    sku, chance = await shop.lamps(10 * RACING), Random(3)
    async with provider("swift"):
        placed = [await shop.place(sku, 3) for _ in range(RACING)]
        thoughts = [
            cancel(shop, order.order_id) if number % 2 else change(shop, order.order_id, 1)
            for number, order in enumerate(placed)
        ]
        await asyncio.gather(*(sooner_or_later(chance, thought) for thought in thoughts))
        await asyncio.gather(*(shop.until(order.order_id, *ENDED) for order in placed))

    history = await until_they_agree(shop)

    assert len(history) == RACING


async def test_it_is_read_page_by_page_and_by_status_and_time(shop):
    sku = await shop.lamps(2)
    placed = [await shop.place(sku, 3) for _ in range(3)]
    for order in placed:
        await shop.outcome_of(order.order_id)
    await until_they_agree(shop)

    first = await history_of(shop, page_size=2)
    second = await history_of(shop, page_size=2, page_token=first.next_page_token)
    none = await history_of(shop, statuses=[pb.ORDER_STATUS_COMPLETED])
    before = await history_of(shop, placed_before=Timestamp(seconds=1))
    since = await orders_of(shop, placed_from=placed[1].create_time)

    newest = [order.order_id for order in reversed(placed)]
    assert [s.order_id for s in (*first.orders, *second.orders)] == newest
    assert not second.next_page_token
    assert not none.orders
    assert not before.orders
    assert [order.order_id for order in since] == newest[:2]


async def test_what_cannot_be_asked_is_refused_by_name(shop):
    moment = Timestamp(seconds=1_000)

    refusals = [
        await refusal_of(history_of(shop, page_size=101)),
        await refusal_of(history_of(shop, placed_from=moment, placed_before=moment)),
        await refusal_of(history_of(shop, page_token="?")),
        await refusal_of(history_of(shop, statuses=[99])),
    ]

    invalid = grpc.StatusCode.INVALID_ARGUMENT
    assert refusals == [
        (invalid, "PAGE_SIZE_OUT_OF_RANGE"),
        (invalid, "PERIOD_EMPTY"),
        (invalid, "PAGE_TOKEN_MALFORMED"),
        (invalid, "STATUS_UNKNOWN"),
    ]
