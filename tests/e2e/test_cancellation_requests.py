"""Customers who change their minds once a provider has taken the work on: the provider decides."""

import asyncio
from uuid import uuid4

import pytest

from deploy.local.verify import verify
from retail.fulfillment.v1 import fulfillment_service_pb2 as work_pb
from retail.order.v1 import order_service_pb2 as pb
from retail.payment.v1 import payment_service_pb2 as payment_pb
from tests.e2e.conftest import pounds

ME = "thoughtful"


class Desk:
    """
    A provider whose answers the test gives, one by one.
    """

    def __init__(self, services):
        self._fulfillment = services.fulfillment
        self._watch = None

    async def open(self, *, suspended=False):
        me = work_pb.Provider(provider_id=ME, name=ME, suspended=suspended)
        await self._fulfillment.PutProvider(work_pb.PutProviderRequest(provider=me))

    async def accepted(self, order_id):
        """
        Take the work on an order on, and return it.
        """
        async with asyncio.timeout(20):
            async for news in self._watching():
                offers = [o for o in news.offers if o.fulfillment_order.order_id == order_id]
                if offers:
                    break
        request = work_pb.AcceptOffersRequest(
            provider_id=ME, offer_ids=[offer.offer.offer_id for offer in offers]
        )
        answer = await self._fulfillment.AcceptOffers(request)
        return [result.fulfillment_order for result in answer.results]

    async def asked(self, work):
        """
        Return *work* once this provider is asked to give it up.
        """
        async with asyncio.timeout(20):
            async for news in self._watching():
                for asked in news.cancellations:
                    if asked.fulfillment_order_id == work.fulfillment_order_id:
                        return asked
        raise AssertionError("the watch ended before it asked")

    async def answer(self, work, *, accepted, reason=""):
        request = work_pb.AnswerCancellationsRequest(
            provider_id=ME,
            answers=[
                work_pb.CancellationAnswer(
                    fulfillment_order_id=work.fulfillment_order_id, accepted=accepted, reason=reason
                )
            ],
        )
        (result,) = (await self._fulfillment.AnswerCancellations(request)).results
        return result.fulfillment_order

    async def send(self, work):
        parcel = str(uuid4())
        dispatch = work_pb.Dispatch(
            shipment_id=parcel, fulfillment_order_id=work.fulfillment_order_id
        )
        await self._fulfillment.DispatchShipments(
            work_pb.DispatchShipmentsRequest(provider_id=ME, dispatches=[dispatch])
        )
        delivery = work_pb.Delivery(
            fulfillment_order_id=work.fulfillment_order_id, shipment_id=parcel
        )
        await self._fulfillment.DeliverShipments(
            work_pb.DeliverShipmentsRequest(deliveries=[delivery])
        )

    def _watching(self):
        # Anew each time: whatever waits for an answer comes again.
        return self._fulfillment.WatchOffers(work_pb.WatchOffersRequest(provider_id=ME), timeout=20)


@pytest.fixture
async def desk(services):
    desk = Desk(services)
    await desk.open()
    yield desk
    await desk.open(suspended=True)


async def regretted(shop, desk, sku):
    """
    Return an order whose work was accepted and that is to be cancelled, and the work.
    """
    placed = await shop.place(sku, 2)
    (work,) = await desk.accepted(placed.order_id)
    request = pb.CancelOrderRequest(account_id=shop.account, order_id=placed.order_id)
    await shop.services.order.CancelOrder(request)
    return placed, await desk.asked(work)


async def until_refused(shop, order_id):
    async with asyncio.timeout(20):
        while True:
            order = await shop.get(order_id)
            if order.cancellation.state == pb.REQUEST_STATE_REFUSED:
                return order
            await asyncio.sleep(0.05)


async def test_an_order_whose_provider_agrees_is_cancelled_and_costs_nothing(shop, services, desk):
    sku = await shop.lamps(5)
    placed, asked = await regretted(shop, desk, sku)
    assert asked.request_status == work_pb.REQUEST_STATUS_CANCELLATION_REQUESTED
    assert asked.HasField("answer_cancellation_by")
    waiting = await shop.get(placed.order_id)
    assert waiting.status == pb.ORDER_STATUS_PLACED
    assert waiting.cancellation.state == pb.REQUEST_STATE_REQUESTED

    given_up = await desk.answer(asked, accepted=True)
    order = await shop.outcome_of(placed.order_id)

    assert given_up.status == work_pb.FULFILLMENT_ORDER_STATUS_CANCELLED
    assert (order.status, order.reason) == (pb.ORDER_STATUS_CANCELLED, "CUSTOMER_REQUEST")
    assert order.cancellation.state == pb.REQUEST_STATE_ACCEPTED
    payment = await services.payment.GetPayment(
        payment_pb.GetPaymentRequest(payment_id=placed.order_id)
    )
    assert payment.payment.voided == pounds(20)
    assert await shop.available(sku) == 5


async def test_an_order_whose_provider_refuses_goes_on_to_its_end(cluster, shop, desk):
    sku = await shop.lamps(5)
    placed, asked = await regretted(shop, desk, sku)

    kept = await desk.answer(asked, accepted=False, reason="on the van")
    order = await until_refused(shop, placed.order_id)

    assert kept.request_status == work_pb.REQUEST_STATUS_CANCELLATION_REJECTED
    assert order.cancellation.refusal == "CANCELLATION_REJECTED"
    assert "work kept: on the van" in [entry.what for entry in order.timeline]
    await desk.send(asked)
    completed = await shop.outcome_of(placed.order_id)
    assert completed.status == pb.ORDER_STATUS_COMPLETED
    assert await shop.available(sku) == 3
    verdict = await verify(cluster, wait_seconds=20)
    assert verdict.holds, verdict
