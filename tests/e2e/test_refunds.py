"""What is paid back of an order, the order and its history say."""

import asyncio
from uuid import uuid4

import aiohttp

from chassis.rpc.errors import reason_of
from retail.order.v1 import order_history_service_pb2 as history_pb
from retail.order.v1 import order_service_pb2 as pb
from retail.payment.v1 import payment_service_pb2 as payment_pb
from tests.e2e.conftest import asleep, pounds


async def refund(services, order_id, units):
    """
    Pay back some pounds, and return why not, if that is refused.
    """
    asked = payment_pb.Refund(
        refund_id=str(uuid4()), payment_id=order_id, amount=pounds(units), reason="a scratch"
    )
    request = payment_pb.RefundPaymentsRequest(refunds=[asked])
    (result,) = (await services.payment.RefundPayments(request)).results
    return reason_of(result.error) if result.HasField("error") else ""


async def until_paid_back(shop, services, order_id, status):
    """
    Return the order's summary once the order and its history have a payment *status*.
    """
    request = history_pb.ListOrderHistoryRequest(account_id=shop.account)
    async with asyncio.timeout(20):
        while True:
            order = await shop.get(order_id)
            for summary in (await services.order_history.ListOrderHistory(request)).orders:
                if order.payment_status == summary.payment_status == status:
                    return summary
            await asyncio.sleep(0.1)


async def test_what_is_paid_back_shows_on_the_order_and_in_its_history(shop, services, provider):
    sku = await shop.lamps(5)
    async with provider("swift"):
        placed = await shop.place(sku, 2)
        await shop.outcome_of(placed.order_id)

    assert await refund(services, placed.order_id, 5) == ""
    summary = await until_paid_back(
        shop, services, placed.order_id, pb.PAYMENT_STATUS_PARTIALLY_REFUNDED
    )
    assert (summary.captured, summary.refunded) == (pounds(20), pounds(5))

    assert await refund(services, placed.order_id, 16) == "REFUND_EXCEEDS_CAPTURE"
    assert await refund(services, placed.order_id, 15) == ""
    await until_paid_back(shop, services, placed.order_id, pb.PAYMENT_STATUS_REFUNDED)

    order = await shop.get(placed.order_id)
    assert order.status == pb.ORDER_STATUS_COMPLETED
    assert [entry.what for entry in order.timeline][-2:] == [
        "refund paid; refunded so far: 5.00 GBP",
        "refund paid; refunded so far: 20.00 GBP",
    ]


async def test_a_chargeback_shows_on_the_timeline_and_in_the_history(shop, services, provider):
    sku = await shop.lamps(5)
    async with provider("swift"):
        placed = await shop.place(sku, 2, psp_token="tok_createDispute")
        await shop.outcome_of(placed.order_id)

    request = history_pb.ListOrderHistoryRequest(account_id=shop.account)
    async with asyncio.timeout(30):
        while True:
            told = (await services.order_history.ListOrderHistory(request)).orders
            if told and told[0].charged_back.units:
                break
            await asyncio.sleep(0.1)

    assert told[0].charged_back == pounds(20)
    order = await shop.get(placed.order_id)
    said = [entry for entry in order.timeline if entry.what.startswith("chargeback of 20.00 GBP")]
    assert [entry.cause for entry in said] == ["payer's bank"]


async def test_an_order_whose_money_is_lost_before_anything_left_is_given_up(
    cluster, shop, services
):
    sku = await shop.lamps(2)
    async with asleep(services):
        placed = await shop.place(sku, 2)
        await shop.until(placed.order_id, pb.ORDER_STATUS_PLACED)

        await expire(cluster.psp, placed.order_id)
        order = await shop.outcome_of(placed.order_id)

    assert (order.status, order.reason) == (pb.ORDER_STATUS_CANCELLED, "AUTHORIZATION_EXPIRED")
    assert order.payment_status == pb.PAYMENT_STATUS_VOIDED
    assert await shop.available(sku) == 2


async def expire(psp, payment_id):
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{psp.url}/simulator/expire", json={"payment_id": payment_id}) as answer,
    ):
        assert answer.status == 200, await answer.text()
