"""The methods of ProductService that concern products."""

import grpc

from chassis.kernel.clock import Clock
from retail.product.v1 import product_service_pb2 as pb
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

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

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
        async with self._uow() as tx:
            product = await tx.products.get(products.product_id_from_wire(request.product_id))
        return pb.GetProductResponse(product=products.product_to_wire(product))

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
