"""Products as they are answered, cached by their ids."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from chassis.cache.cache import Cache
from chassis.cache.entry import Loaded
from chassis.kernel.clock import Clock
from retail.product.v1 import product_events_pb2 as events_pb
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.product import Product
from services.product.domain.values import ProductId
from services.product.wire.products import product_to_wire

# Whatever is told of a product says that it has changed.
SUBJECTS = [
    event.full_name
    for event in events_pb.DESCRIPTOR.message_types_by_name.values()
    if {"meta", "product_id"} <= set(event.fields_by_name)
]


def product_cache(
    *, uow: UnitOfWork, clock: Clock, urls: str, budget_bytes: int, seconds: float
) -> Cache:
    """
    Return a cache of serialized `GetProductResponse`s by product id.

    (One after the other they are a `BatchGetProductsResponse`: both have products as field 1.)

    Args:
        uow: To read from.
        urls: Of the cache servers.
    """
    load = partial(load_products, uow=uow, clock=clock)
    return Cache("product", load, urls=urls, budget_bytes=budget_bytes, seconds=seconds)


async def load_products(keys: Sequence[str], *, uow: UnitOfWork, clock: Clock) -> Sequence[Loaded]:
    """
    Return the products with the ids *keys*, in a constant number of statements.
    """
    ids = [ProductId(UUID(key)) for key in keys]
    async with uow() as tx:
        found = await tx.products.find(ids)
    now = clock()
    return [loaded_from_product(found.get(id_), now) for id_ in ids]


def loaded_from_product(product: Product | None, now: datetime) -> Loaded:
    if product is None:
        return Loaded(version=0, value=None)
    response = pb.GetProductResponse(product=product_to_wire(product, now))
    changes = (variant.price_list.next_change_after(now) for variant in product.variants)
    return Loaded(
        version=product.event_count,
        value=response.SerializeToString(),
        # It shows what things cost now.
        expires_at=min((at.timestamp() for at in changes if at), default=None),
    )
