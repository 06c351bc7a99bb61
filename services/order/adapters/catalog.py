"""The catalog, as the product service tells it."""

from collections.abc import Mapping, Sequence

import grpc

from chassis.rpc.money import money_from_wire
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1.product_service_pb2_grpc import ProductServiceStub
from services.order.application.ports import SoldVariant
from services.order.domain.values import Sku


class GrpcCatalog:
    def __init__(self, product: grpc.aio.Channel) -> None:
        self._product = ProductServiceStub(product)

    async def sold(self, skus: Sequence[Sku]) -> Mapping[Sku, SoldVariant]:
        if not skus:
            return {}
        answer = await self._product.BatchGetVariants(pb.BatchGetVariantsRequest(skus=skus))
        return {
            Sku(variant.sku): SoldVariant(
                title=variant.title, price=money_from_wire(variant.price, "price")
            )
            for variant in answer.variants
        }
