"""A provider and a warehouse whose every move a test makes."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.fulfillment.v1 import return_service_pb2 as returns_pb
from retail.fulfillment.v1 import shipment_service_pb2 as shipment_pb


class ByHand:
    """
    A provider who does nothing by itself.
    """

    def __init__(self, services, name):
        self.name = name
        self.fulfillment = services.fulfillment
        self.shipment = services.shipment

    async def put(self, *, rank, suspended=False):
        provider = pb.Provider(
            provider_id=self.name, name=self.name, rank=rank, suspended=suspended
        )
        await self.fulfillment.PutProvider(pb.PutProviderRequest(provider=provider))

    async def offer_of(self, order_id):
        """
        Return the offer that was made to it for an order, and the work it is for.
        """
        request = pb.ListFulfillmentOrdersRequest(order_id=order_id)
        async with asyncio.timeout(30):
            while True:
                answer = await self.fulfillment.ListFulfillmentOrders(request)
                for work in answer.fulfillment_orders:
                    for offer in work.offers:
                        mine = offer.provider_id == self.name
                        if mine and offer.state == pb.OFFER_STATE_SUBMITTED:
                            return offer, work
                await asyncio.sleep(0.05)

    async def accept(self, order_id):
        offer, _ = await self.offer_of(order_id)
        request = pb.AcceptOffersRequest(provider_id=self.name, offer_ids=[offer.offer_id])
        return _done(await self.fulfillment.AcceptOffers(request))

    async def reject(self, order_id, reason="no van today"):
        offer, _ = await self.offer_of(order_id)
        rejection = pb.Rejection(offer_id=offer.offer_id, reason=reason)
        request = pb.RejectOffersRequest(provider_id=self.name, rejections=[rejection])
        return _done(await self.fulfillment.RejectOffers(request))

    async def pack(self, work, *lines):
        """
        Pack *lines* of work, pairs of SKU and units, and return the parcel's id.
        """
        packing = shipment_pb.Packing(
            shipment_id=str(uuid4()),
            fulfillment_order_id=work.fulfillment_order_id,
            lines=[pb.FulfillmentLine(sku=sku, quantity=units) for sku, units in lines],
            weight_grams=1_200,
        )
        request = shipment_pb.PackShipmentsRequest(provider_id=self.name, packings=[packing])
        _done(await self.shipment.PackShipments(request))
        return packing.shipment_id

    async def dispatch(self, work, *lines, shipment_id=""):
        """
        Send *lines* of work, or what was packed as *shipment_id*, or all that is left.
        """
        dispatch = pb.Dispatch(
            shipment_id=shipment_id or str(uuid4()),
            fulfillment_order_id=work.fulfillment_order_id,
            lines=[pb.FulfillmentLine(sku=sku, quantity=units) for sku, units in lines],
        )
        request = pb.DispatchShipmentsRequest(provider_id=self.name, dispatches=[dispatch])
        _done(await self.fulfillment.DispatchShipments(request))
        return dispatch.shipment_id

    async def deliver(self, work, shipment_id):
        delivery = pb.Delivery(
            fulfillment_order_id=work.fulfillment_order_id, shipment_id=shipment_id
        )
        request = pb.DeliverShipmentsRequest(deliveries=[delivery])
        return _done(await self.fulfillment.DeliverShipments(request))

    async def lose(self, work, shipment_id):
        lost = shipment_pb.ShipmentRef(
            fulfillment_order_id=work.fulfillment_order_id, shipment_id=shipment_id
        )
        request = shipment_pb.LoseShipmentsRequest(shipments=[lost])
        return _done(await self.shipment.LoseShipments(request))

    async def track(self, shipment_id, state):
        event = shipment_pb.TrackingEvent(
            event_id=str(uuid4()), shipment_id=shipment_id, state=state
        )
        event.occur_time.GetCurrentTime()
        request = shipment_pb.RecordTrackingRequest(events=[event])
        return _done(await self.shipment.RecordTracking(request))


@asynccontextmanager
async def by_hand(services, *names):
    """
    Let there be such providers, asked in this order, and nobody else's business after the block.
    """
    providers = [ByHand(services, name) for name in names]
    # Before anybody else who is there.
    for rank, provider in enumerate(providers, start=-20):
        await provider.put(rank=rank)
    try:
        yield providers
    finally:
        for provider in providers:
            await provider.put(rank=1, suspended=True)


class Returns:
    """
    What a customer asks to send back, and a warehouse counts.
    """

    def __init__(self, shop):
        self.shop = shop
        self.service = shop.services.returns

    async def request(self, order_id, *lines, reason=returns_pb.RETURN_REASON_CHANGED_MIND):
        request = returns_pb.RequestReturnRequest(
            account_id=self.shop.account,
            order_id=order_id,
            return_id=str(uuid4()),
            lines=_wanted(lines, reason),
        )
        return (await self.service.RequestReturn(request)).customer_return

    async def claim(self, order_id, *lines, reason, resolution):
        request = returns_pb.RequestClaimRequest(
            account_id=self.shop.account,
            order_id=order_id,
            return_id=str(uuid4()),
            lines=_wanted(lines, reason),
            resolution=resolution,
        )
        return (await self.service.RequestClaim(request)).customer_return

    async def approve(self, return_id):
        request = returns_pb.ApproveReturnsRequest(return_ids=[return_id])
        return _done(await self.service.ApproveReturns(request))

    async def receive(self, return_id, *counts, is_last=False):
        """
        Count what came back: triples of SKU, units and disposition.
        """
        receipt = returns_pb.Receipt(
            receipt_id=str(uuid4()),
            return_id=return_id,
            counts=[
                returns_pb.CountedGoods(sku=sku, quantity=units, disposition=disposition)
                for sku, units, disposition in counts
            ],
            is_last=is_last,
        )
        request = returns_pb.ReceiveReturnsRequest(receipts=[receipt])
        return _done(await self.service.ReceiveReturns(request))

    async def until(self, state, *, return_id="", order_id=""):
        """
        Return the return, or the one of an order, once it is in a *state*.
        """
        request = returns_pb.ListReturnsRequest(account_id=self.shop.account, order_id=order_id)
        async with asyncio.timeout(30):
            while True:
                for each in (await self.service.ListReturns(request)).returns:
                    if return_id in ("", each.return_id) and each.state == state:
                        return each
                await asyncio.sleep(0.05)

    async def closed(self, **which):
        return await self.until(returns_pb.RETURN_STATE_CLOSED, **which)


def _wanted(lines, reason):
    return [
        returns_pb.WantedReturnLine(sku=sku, quantity=units, reason=reason) for sku, units in lines
    ]


def _done(answer):
    (result,) = answer.results
    assert not result.HasField("error"), result.error
    return getattr(result, result.WhichOneof("outcome"))
