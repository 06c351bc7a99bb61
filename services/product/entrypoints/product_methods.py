"""The methods of ProductService that concern products."""

import grpc

from chassis.cache.cache import Cache
from chassis.kernel.clock import Clock
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.products import ProductNotFound
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.products.create_product import create_product
from services.product.application.products.list_products import list_products
from services.product.application.products.publish_product import PublishProduct, publish_product
from services.product.application.products.search_products import search_products
from services.product.wire import fields, products, search


class ProductMethods:
    """
    What is sold.
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock, cache: Cache) -> None:
        self._uow = uow
        self._clock = clock
        self._cache = cache

    async def CreateProduct(
        self, request: pb.CreateProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateProductResponse:
        command = products.create_product_from_wire(request)
        product = await create_product(command, uow=self._uow, clock=self._clock)
        return pb.CreateProductResponse(product=products.product_to_wire(product))

    async def PublishProduct(
        self, request: pb.PublishProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.PublishProductResponse:
        command = PublishProduct(product_id=products.product_id_from_wire(request.product_id))
        product = await publish_product(command, uow=self._uow)
        return pb.PublishProductResponse(product=products.product_to_wire(product))

    async def GetProduct(
        self, request: pb.GetProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetProductResponse:
        product_id = products.product_id_from_wire(request.product_id)
        answer = await self._cache.get(str(product_id))
        if answer is None:
            raise ProductNotFound(f"there is no product {product_id}")
        return pb.GetProductResponse.FromString(answer)

    def get_product_quickly(self, request: pb.GetProductRequest) -> bytes | None:
        """
        Return the answer if it lies ready: in this process, and for a request of nothing but an id.
        """
        if len(request.ListFields()) != 1:
            return None
        return self._cache.quick(request.product_id)

    async def ListProducts(
        self, request: pb.ListProductsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListProductsResponse:
        query = products.list_products_from_wire(request)
        page, last = await list_products(query, uow=self._uow)
        return pb.ListProductsResponse(
            products=[products.product_to_wire(product) for product in page],
            next_page_token=products.page_token_to_wire(last) if last else "",
        )

    async def SearchProducts(
        self, request: pb.SearchProductsRequest, context: grpc.aio.ServicerContext
    ) -> pb.SearchProductsResponse:
        query = search.query_from_wire(request)
        found, page = await search_products(query, uow=self._uow)
        return search.found_to_wire(found, page, query)

    async def BatchGetVariants(
        self, request: pb.BatchGetVariantsRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchGetVariantsResponse:
        skus = fields.skus_from_wire(request.skus)
        async with self._uow() as tx:
            variants = await tx.products.sold_variants(skus)
        return pb.BatchGetVariantsResponse(
            variants=[products.sold_variant_to_wire(variant) for variant in variants]
        )
