"""Products and stock, brought into a cluster; done again, nothing is done twice."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID, uuid5

from chassis.kernel.money import Money
from chassis.rpc.money import money_to_wire
from deploy.local.errors import LocalError
from deploy.local.world.patience import CallRefused, Patience
from deploy.local.world.services import Services
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1 import stock_service_pb2 as stock_pb

# Fixed, so that a repeat has the ids of what it repeats.
REQUESTS = UUID("0b8f5a43-92f5-5d0d-b6f7-63a1c2f0e9d4")

AT_ONCE = 32
BATCH = 500
MOST_UNITS = 1_000_000

T = TypeVar("T")


class StockNotReceived(LocalError):
    """
    Product does not want to book goods in.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """
    A product that is to be sold: its variants' prices, by SKU.
    """

    title: str
    prices: Mapping[str, Money]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """
    Goods that arrive at a location.
    """

    sku: str
    location_id: str
    units: int


async def offer_products(
    products: Iterable[NewProduct],
    *,
    services: Services,
    patience: Patience,
    advance: Callable[[int], None] = lambda _count: None,
) -> int:
    """
    Create and publish those of *products* that are not sold yet, and return how many those were.

    Args:
        advance: Told each time some more are on sale.
    """
    everything = list(products)
    sold = await sold_of([sku for p in everything for sku in p.prices], services, patience)
    missing = [product for product in everything if not set(product.prices) <= sold]
    advance(len(everything) - len(missing))
    some_at_once = asyncio.Semaphore(AT_ONCE)

    async def offer(product: NewProduct) -> None:
        async with some_at_once:
            id_ = await create(product, services, patience)
            request = pb.PublishProductRequest(product_id=id_)
            await patience(services.product.PublishProduct, request)
            advance(1)

    async with asyncio.TaskGroup() as tasks:
        for product in missing:
            tasks.create_task(offer(product))
    return len(missing)


async def sold_of(skus: Sequence[str], services: Services, patience: Patience) -> set[str]:
    """
    Return those of *skus* that can be ordered.
    """
    sold: set[str] = set()
    for some in chunks(skus, 10_000):
        request = pb.BatchGetVariantsRequest(skus=some)
        answer = await patience(services.product.BatchGetVariants, request)
        sold.update(variant.sku for variant in answer.variants)
    return sold


async def create(product: NewProduct, services: Services, patience: Patience) -> str:
    """
    Create *product* as a draft, or find the draft that an earlier run has left, and return its id.
    """
    content = f"{product.title} {[(sku, str(price)) for sku, price in product.prices.items()]}"
    request = pb.CreateProductRequest(
        request_id=str(uuid5(REQUESTS, f"product {content}")),
        title=product.title,
        variants=[
            pb.Variant(sku=sku, price=money_to_wire(price)) for sku, price in product.prices.items()
        ],
    )
    try:
        answer = await patience(services.product.CreateProduct, request)
    except CallRefused as refusal:
        if refusal.reason != "SKU_TAKEN":
            raise
        return await find_draft(next(iter(product.prices)), services, patience, refusal)
    return answer.product.product_id


async def find_draft(sku: str, services: Services, patience: Patience, refusal: CallRefused) -> str:
    """
    Return the product that has taken *sku* and was never published.
    """
    token = ""
    while True:
        request = pb.ListProductsRequest(page_size=100, page_token=token)
        answer = await patience(services.product.ListProducts, request)
        for product in answer.products:
            if any(variant.sku == sku for variant in product.variants):
                return product.product_id
        token = answer.next_page_token
        if not token:
            raise refusal


async def receive(
    deliveries: Iterable[Delivery], *, occasion: str, services: Services, patience: Patience
) -> None:
    """
    Book *deliveries* in, once for this *occasion*, at locations that are made if need be.
    """
    deliveries = list(deliveries)
    for location_id in sorted({delivery.location_id for delivery in deliveries}):
        await have_location(location_id, services, patience)
    receipts = [
        pb.Receipt(
            request_id=str(
                uuid5(REQUESTS, f"receipt {occasion} {d.sku} {d.location_id} {start} {d.units}")
            ),
            sku=d.sku,
            location_id=d.location_id,
            quantity=min(MOST_UNITS, d.units - start),
        )
        for d in deliveries
        for start in range(0, d.units, MOST_UNITS)
    ]
    for some in chunks(receipts, BATCH):
        request = pb.ReceiveStockRequest(receipts=some)
        answer = await patience(services.product.ReceiveStock, request)
        for receipt, result in zip(some, answer.results, strict=True):
            if result.HasField("error"):
                raise StockNotReceived(
                    f"{receipt.quantity} units of {receipt.sku}: {result.error.message}"
                )


async def have_location(location_id: str, services: Services, patience: Patience) -> None:
    """
    Create a location, unless there is one of this name: then it stays as somebody wanted it.
    """
    location = stock_pb.Location(location_id=location_id, name=location_id)
    request = stock_pb.CreateLocationRequest(location=location)
    try:
        await patience(services.stock.CreateLocation, request)
    except CallRefused as refusal:
        if refusal.reason != "LOCATION_TAKEN":
            raise


def chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
