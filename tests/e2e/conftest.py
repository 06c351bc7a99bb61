"""Journeys on a whole cluster, through gRPC only."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import grpc
import pytest
from google.type.money_pb2 import Money

from chassis.rpc.errors import reason_of, status_of
from deploy.local.world.patience import Patience
from deploy.local.world.services import services_of
from deploy.providers.character import Character
from deploy.providers.provider import Provider
from retail.common.v1.address_pb2 import Address
from retail.order.v1 import order_service_pb2 as pb
from retail.product.v1 import product_service_pb2 as product_pb
from retail.product.v1 import stock_service_pb2 as stock_pb

ENDED = {pb.ORDER_STATUS_COMPLETED, pb.ORDER_STATUS_REJECTED, pb.ORDER_STATUS_CANCELLED}


def pounds(units):
    return Money(currency_code="GBP", units=units)


class Shop:
    """
    A customer's view of the suite: an account of its own and goods of its own.
    """

    def __init__(self, services):
        self.services = services
        self.account = f"account-{uuid4().hex[:8]}"

    async def lamps(self, units, *, location="main"):
        """
        Offer a lamp for 10 pounds, *units* of it in stock, and return its SKU.
        """
        sku = f"LAMP-{uuid4().hex[:8].upper()}"
        variant = product_pb.Variant(sku=sku, price=pounds(10))
        created = await self.services.product.CreateProduct(
            product_pb.CreateProductRequest(
                request_id=str(uuid4()), title="Lamp", variants=[variant]
            )
        )
        await self.services.product.PublishProduct(
            product_pb.PublishProductRequest(product_id=created.product.product_id)
        )
        if units:
            await self.receive(sku, units, location=location)
        return sku

    async def receive(self, sku, units, *, location):
        place = stock_pb.Location(location_id=location, name=location)
        await self.services.stock.CreateLocation(stock_pb.CreateLocationRequest(location=place))
        receipt = product_pb.Receipt(
            request_id=str(uuid4()), sku=sku, location_id=location, quantity=units
        )
        await self.services.product.ReceiveStock(product_pb.ReceiveStockRequest(receipts=[receipt]))

    async def available(self, sku):
        answer = await self.services.product.BatchGetStock(
            product_pb.BatchGetStockRequest(skus=[sku])
        )
        return sum(level.available for level in answer.stock_levels)

    def request(self, sku, quantity, **more):
        content = {
            "request_id": str(uuid4()),
            "account_id": self.account,
            "channel": pb.CHANNEL_BUSINESS,
            "lines": [pb.OrderLineRequest(sku=sku, quantity=quantity)],
            "psp_token": "tok_visa",
            "ship_to": Address(name="Ada", country_code="GB"),
        }
        return pb.PlaceOrderRequest(**(content | more))

    async def place(self, sku, quantity, **more):
        answer = await self.services.order.PlaceOrder(self.request(sku, quantity, **more))
        return answer.order

    async def get(self, order_id):
        request = pb.GetOrderRequest(account_id=self.account, order_id=order_id)
        return (await self.services.order.GetOrder(request)).order

    async def until(self, order_id, *statuses):
        """
        Return the order once it is in one of *statuses*.
        """
        async with asyncio.timeout(20):
            while True:
                order = await self.get(order_id)
                if order.status in statuses:
                    return order
                await asyncio.sleep(0.05)

    async def outcome_of(self, order_id):
        return await self.until(order_id, *ENDED)


async def refusal_of(call):
    """
    Return the code and the reason with which *call* is refused.
    """
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code(), reason_of(status_of(refused.value))


@asynccontextmanager
async def asleep(services):
    """
    Let there be a provider who never answers.
    """
    provider = Provider(Character(id="asleep", name="asleep"), services, Patience())
    await provider.register()
    try:
        yield
    finally:
        await provider.register(suspended=True)


@pytest.fixture
async def services(cluster):
    async with services_of(cluster) as services:
        yield services


@pytest.fixture
def shop(services):
    return Shop(services)


@pytest.fixture
def provider(services):
    """
    Run a provider for a block: `async with provider("swift", regions=["GB"]):`. It is suspended
    afterwards, so that the next test has the field to itself.
    """

    @asynccontextmanager
    async def at_work(name, **character):
        provider = Provider(Character(id=name, name=name, **character), services, Patience())
        await provider.register()
        running = asyncio.create_task(provider.run())
        try:
            yield provider
        finally:
            running.cancel()
            await provider.register(suspended=True)

    return at_work
