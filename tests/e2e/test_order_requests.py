"""Customers who change their minds, while stock is sought, goods are packed and parcels leave."""

import asyncio
from functools import partial
from random import Random

import grpc
import pytest

from chassis.rpc.errors import reason_of, status_of
from deploy.local.world.patience import Patience
from deploy.providers.character import Character
from deploy.providers.provider import Provider
from retail.order.v1 import order_service_pb2 as pb
from retail.payment.v1 import payment_service_pb2 as payment_pb
from tests.e2e.conftest import pounds, refusal_of

ORDERS = 40
FAIR = {"", "ORDER_DISPATCHED", "ORDER_ENDED", "CONFLICT"}
DONE = {pb.REQUEST_STATE_ACCEPTED, pb.REQUEST_STATE_REFUSED}


@pytest.fixture
async def waiting_provider(services):
    """
    Register the provider "swift", who does not look at its offers yet.
    """
    provider = Provider(Character(id="swift", name="swift"), services, Patience())
    await provider.register()
    yield
    await provider.register(suspended=True)


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


async def placed_and_regretted(shop, sku, quantity, ask, *, after_seconds):
    """
    Place an order and ask for something at some moment of its life; return its id, and why that
    was refused, if it was.
    """
    placed = await shop.place(sku, quantity)
    await asyncio.sleep(after_seconds)
    try:
        await ask(placed.order_id)
    except grpc.aio.AioRpcError as error:
        return placed.order_id, reason_of(status_of(error))
    return placed.order_id, ""


async def all_regretted(shop, sku, quantity, ask, seed):
    """
    Place many orders, each with something asked at a moment of its own; return how they end.
    """
    chance = Random(seed)
    stories = [
        placed_and_regretted(shop, sku, quantity, ask, after_seconds=chance.uniform(0, 1))
        for _ in range(ORDERS)
    ]
    answers = await asyncio.gather(*stories)
    assert {answer for _, answer in answers} <= FAIR
    return await asyncio.gather(*(shop.outcome_of(order_id) for order_id, _ in answers))


@pytest.mark.usefixtures("waiting_provider")
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


@pytest.mark.usefixtures("waiting_provider")
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
    sku = await shop.lamps(2 * ORDERS)
    async with provider("swift"):
        ends = await all_regretted(shop, sku, 2, partial(cancel, shop), seed=5)

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
    sku = await shop.lamps(3 * ORDERS)
    async with provider("swift"):
        ends = await all_regretted(shop, sku, 3, partial(change, shop, quantity=1), seed=7)

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
