"""Customers who change their minds, while stock is sought, goods are packed and parcels leave."""

import asyncio
from random import Random

import grpc

from chassis.rpc.errors import reason_of, status_of
from retail.order.v1 import order_service_pb2 as pb
from retail.payment.v1 import payment_service_pb2 as payment_pb
from tests.e2e.conftest import ENDED, pounds, refusal_of

ORDERS = 40
FAIR = {"", "ORDER_DISPATCHED", "ORDER_ENDED", "CONFLICT"}
DONE = {pb.REQUEST_STATE_ACCEPTED, pb.REQUEST_STATE_REFUSED}


async def payment_of(services, order_id):
    request = payment_pb.GetPaymentRequest(payment_id=order_id)
    return (await services.payment.GetPayment(request)).payment


async def cancel(shop, order_id, reason=""):
    request = pb.CancelOrderRequest(account_id=shop.account, order_id=order_id, reason=reason)
    return (await shop.services.order.CancelOrder(request)).order


async def change(shop, order_id, quantity, **more):
    request = pb.ChangeOrderRequest(
        account_id=shop.account,
        order_id=order_id,
        lines=[pb.OrderLineChange(number=1, quantity=quantity)],
        **more,
    )
    return (await shop.services.order.ChangeOrder(request)).order


async def until_changed(shop, order_id):
    async with asyncio.timeout(20):
        while True:
            order = await shop.get(order_id)
            if order.change.state in DONE:
                return order
            await asyncio.sleep(0.05)


async def sooner_or_later(chance, ask):
    """
    Ask at some moment of an order's life, and return why it was refused, if it was.
    """
    await asyncio.sleep(chance.uniform(0, 0.4))
    try:
        await ask
    except grpc.aio.AioRpcError as error:
        return reason_of(status_of(error))
    return ""


async def test_a_cancelled_order_gives_back_goods_and_money(shop, services):
    sku = await shop.lamps(5)
    placed = await shop.place(sku, 2)
    await shop.until(placed.order_id, pb.ORDER_STATUS_PLACED)

    await cancel(shop, placed.order_id, "too slow")
    order = await shop.outcome_of(placed.order_id)

    assert (order.status, order.reason) == (pb.ORDER_STATUS_CANCELLED, "CUSTOMER_REQUEST")
    assert order.cancellation.state == pb.REQUEST_STATE_ACCEPTED
    assert "cancellation requested: too slow" in [entry.what for entry in order.timeline]
    assert (await payment_of(services, order.order_id)).voided == pounds(20)
    assert await shop.available(sku) == 5


async def test_after_dispatch_cancelling_is_refused(shop, provider):
    sku = await shop.lamps(5)
    async with provider("swift"):
        placed = await shop.place(sku, 2)
        await shop.outcome_of(placed.order_id)

    code, reason = await refusal_of(cancel(shop, placed.order_id))

    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ORDER_ENDED")


async def test_a_changed_order_is_sent_and_charged_as_it_is_now(shop, services, provider):
    sku = await shop.lamps(5)
    placed = await shop.place(sku, 4, shipping=pounds(5))
    await change(shop, placed.order_id, 1)
    changed = await until_changed(shop, placed.order_id)
    assert changed.change.state == pb.REQUEST_STATE_ACCEPTED
    assert await shop.available(sku) == 4

    async with provider("swift"):
        order = await shop.outcome_of(placed.order_id)

    assert order.status == pb.ORDER_STATUS_COMPLETED
    assert order.payment_status == pb.PAYMENT_STATUS_PAID
    payment = await payment_of(services, order.order_id)
    assert (payment.captured, payment.voided) == (pounds(15), pounds(30))
    assert await shop.available(sku) == 4


async def test_cancelling_at_any_moment_ends_whole_or_not_at_all(shop, services, provider):
    sku, chance = await shop.lamps(2 * ORDERS), Random(5)
    async with provider("swift"):
        placed = [await shop.place(sku, 2) for _ in range(ORDERS)]
        answers = await asyncio.gather(
            *(sooner_or_later(chance, cancel(shop, order.order_id)) for order in placed)
        )
        ends = await asyncio.gather(*(shop.until(order.order_id, *ENDED) for order in placed))

    assert set(answers) <= FAIR
    cancelled = [o for o in ends if o.status == pb.ORDER_STATUS_CANCELLED]
    for order in ends:
        payment = await payment_of(services, order.order_id)
        if order in cancelled:
            assert order.cancellation.state == pb.REQUEST_STATE_ACCEPTED
            assert not order.shipments
            assert payment.captured.units == 0
            assert payment.authorized == payment.voided
        else:
            assert order.status == pb.ORDER_STATUS_COMPLETED
            assert order.cancellation.state != pb.REQUEST_STATE_REQUESTED
            assert payment.captured == pounds(20)
    assert await shop.available(sku) == 2 * len(cancelled)


async def test_changing_at_any_moment_is_done_whole_or_not_at_all(shop, services, provider):
    sku, chance = await shop.lamps(3 * ORDERS), Random(7)
    async with provider("swift"):
        placed = [await shop.place(sku, 3) for _ in range(ORDERS)]
        answers = await asyncio.gather(
            *(sooner_or_later(chance, change(shop, order.order_id, 1)) for order in placed)
        )
        ends = await asyncio.gather(*(shop.outcome_of(order.order_id) for order in placed))

    assert set(answers) <= FAIR
    shipped = 0
    for order in ends:
        assert order.status == pb.ORDER_STATUS_COMPLETED
        assert order.change.state != pb.REQUEST_STATE_REQUESTED
        units = 1 if order.change.state == pb.REQUEST_STATE_ACCEPTED else 3
        shipped += units
        payment = await payment_of(services, order.order_id)
        assert order.lines[0].quantity == units
        assert payment.captured == order.grand_total == pounds(10 * units)
        assert payment.voided == pounds(30 - 10 * units)
    assert await shop.available(sku) == 3 * ORDERS - shipped
