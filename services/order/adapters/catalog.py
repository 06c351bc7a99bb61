"""The catalog, as the product service tells it."""

from collections.abc import Mapping, Sequence

import grpc

from chassis.kernel.text import Sku
from chassis.rpc.money import money_from_wire
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1.product_service_pb2_grpc import ProductServiceStub
from services.order.domain.sold_variant import SoldVariant

# Half of what product answers at once.
MOST_SKUS = 5_000


class GrpcCatalog:
    def __init__(self, product: grpc.aio.Channel) -> None:
        self._product = ProductServiceStub(product)

    async def sold(self, skus: Sequence[Sku]) -> Mapping[Sku, SoldVariant]:
        sold: dict[Sku, SoldVariant] = {}
        for start in range(0, len(skus), MOST_SKUS):
            request = pb.BatchGetVariantsRequest(skus=skus[start : start + MOST_SKUS])
            for variant in (await self._product.BatchGetVariants(request)).variants:
                sold[Sku(variant.sku)] = sold_variant_from_wire(variant)
        return sold


def sold_variant_from_wire(wire: pb.SoldVariant) -> SoldVariant:
    return SoldVariant(
        title=wire.title,
        price=money_from_wire(wire.price, "price"),
        breaks=tuple(
            (step.min_quantity, money_from_wire(step.price, "price_breaks"))
            for step in wire.price_breaks
        ),
    )
