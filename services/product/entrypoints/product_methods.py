"""The methods of ProductService that concern products."""

from functools import partial

import grpc

from chassis.cache.cache import Cache
from chassis.kernel.clock import Clock
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.products import ProductNotFound
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.products.archive_product import ArchiveProduct, archive_product
from services.product.application.products.batch_get_variants import (
    BatchGetVariants,
    batch_get_variants,
)
from services.product.application.products.create_product import create_product
from services.product.application.products.import_products import import_products
from services.product.application.products.list_products import list_products
from services.product.application.products.publish_product import PublishProduct, publish_product
from services.product.application.products.search_products import search_products
from services.product.application.products.set_prices import set_prices
from services.product.application.products.update_product import update_product
from services.product.domain.product import Product
from services.product.entrypoints.batches import answer_each
from services.product.wire import fields, masks, pages, products, search


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
        return pb.CreateProductResponse(product=self._shown(product))

    async def UpdateProduct(
        self, request: pb.UpdateProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.UpdateProductResponse:
        command = products.update_product_from_wire(request)
        # What the product would be is known, and checked, only beside what it is.
        with fields.within("product"):
            product = await update_product(command, uow=self._uow, clock=self._clock)
        return pb.UpdateProductResponse(product=self._shown(product))

    async def SetPrices(
        self, request: pb.SetPricesRequest, context: grpc.aio.ServicerContext
    ) -> pb.SetPricesResponse:
        set_all = partial(set_prices, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.variants, "variants", products.variant_prices_from_wire, set_all
        )
        now = self._clock()
        return pb.SetPricesResponse(
            results=[products.variant_result_to_wire(answer, now) for answer in answers]
        )

    async def PublishProduct(
        self, request: pb.PublishProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.PublishProductResponse:
        command = PublishProduct(product_id=products.product_id_from_wire(request.product_id))
        product = await publish_product(command, uow=self._uow, clock=self._clock)
        return pb.PublishProductResponse(product=self._shown(product))

    async def ArchiveProduct(
        self, request: pb.ArchiveProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.ArchiveProductResponse:
        command = ArchiveProduct(product_id=products.product_id_from_wire(request.product_id))
        product = await archive_product(command, uow=self._uow, clock=self._clock)
        return pb.ArchiveProductResponse(product=self._shown(product))

    async def ImportProducts(
        self, request: pb.ImportProductsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ImportProductsResponse:
        import_all = partial(import_products, uow=self._uow, clock=self._clock)
        from_wire = partial(
            products.imported_product_from_wire, fields=products.imported_fields_from_wire(request)
        )
        answers = await answer_each(request.products, "products", from_wire, import_all)
        return pb.ImportProductsResponse(
            results=[products.import_result_to_wire(answer) for answer in answers]
        )

    async def GetProduct(
        self, request: pb.GetProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetProductResponse:
        kept = masks.read_mask_from_wire(request.read_mask, pb.Product)
        product_id = products.product_id_from_wire(request.product_id)
        answer = await self._cache.get(str(product_id))
        if answer is None:
            raise ProductNotFound(f"there is no product {product_id}")
        response = pb.GetProductResponse.FromString(answer)
        masks.keep(response.product, kept)
        return response

    def get_product_quickly(self, request: pb.GetProductRequest) -> bytes | None:
        """
        Return the answer if it lies ready: in this process, and for a request of nothing but an id.
        """
        if len(request.ListFields()) != 1:
            return None
        return self._cache.quick(request.product_id)

    async def BatchGetProducts(
        self, request: pb.BatchGetProductsRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchGetProductsResponse:
        kept = masks.read_mask_from_wire(request.read_mask, pb.Product)
        ids = fields.product_ids_from_wire(request.product_ids)
        answers = await self._cache.get_many([str(id_) for id_ in ids])
        # One after the other, responses with one product each are a response with all of them.
        response = pb.BatchGetProductsResponse.FromString(b"".join(filter(None, answers)))
        for product in response.products:
            masks.keep(product, kept)
        return response

    async def ListProducts(
        self, request: pb.ListProductsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListProductsResponse:
        kept = masks.read_mask_from_wire(request.read_mask, pb.Product)
        query = pages.list_products_from_wire(request)
        page, last = await list_products(query, uow=self._uow)
        return pb.ListProductsResponse(
            products=[self._shown(product, kept) for product in page],
            next_page_token=pages.page_token_to_wire(last, query.wanted) if last else "",
        )

    async def SearchProducts(
        self, request: pb.SearchProductsRequest, context: grpc.aio.ServicerContext
    ) -> pb.SearchProductsResponse:
        kept = masks.read_mask_from_wire(request.read_mask, pb.Product)
        query = search.query_from_wire(request)
        found, page = await search_products(query, uow=self._uow)
        return search.found_to_wire(found, [self._shown(each, kept) for each in page], query)

    async def BatchGetVariants(
        self, request: pb.BatchGetVariantsRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchGetVariantsResponse:
        query = BatchGetVariants(
            skus=fields.skus_from_wire(request.skus),
            currency=fields.currency_from_wire(request.currency_code),
        )
        offers = await batch_get_variants(query, uow=self._uow, clock=self._clock)
        return pb.BatchGetVariantsResponse(
            variants=[products.offer_to_wire(offer) for offer in offers]
        )

    def _shown(self, product: Product, kept: masks.Kept | None = None) -> pb.Product:
        wire = products.product_to_wire(product, self._clock())
        masks.keep(wire, kept or {})
        return wire
