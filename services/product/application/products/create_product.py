"""Use case: something new is to be sold."""

from dataclasses import dataclass
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from services.product.application.ports.requests import Request
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.products.classifying import definitions_for, demanded_of
from services.product.domain.product import Product
from services.product.domain.product_content import ProductContent
from services.product.domain.values import ProductId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProduct:
    request_id: UUID
    content: ProductContent


async def create_product(command: CreateProduct, *, uow: UnitOfWork, clock: Clock) -> Product:
    """
    Create a product as a draft.

    Safe to repeat: the request is recorded with the product, and the same request again returns
    the product that the first one made.

    Raises:
        SkuTaken, HandleTaken: Another product has one of the SKUs, or the handle.
        CategoryUnknown: It names a category that does not exist.
        AttributeMalformed: A value is not what one of its categories allows.
    """
    now = clock()
    product = Product.draft(ProductId(new_id()), command.content, now=now)
    async with uow() as tx:
        (earlier,) = await tx.requests.claim([_request(command, product)], now=now)
        if isinstance(earlier, DomainError):
            raise earlier
        if earlier is not None:
            return await tx.products.get(ProductId(earlier))
        definitions = await definitions_for([command.content], tx)
        command.content.must_fit(demanded_of(command.content, definitions))
        await tx.products.save(product)
    return product


def _request(command: CreateProduct, product: Product) -> Request:
    return Request(
        operation="CreateProduct",
        request_id=command.request_id,
        content=_spelled_out(command.content),
        outcome_id=product.id,
    )


def _spelled_out(content: ProductContent) -> str:
    variants = [
        (v.sku, str(v.price), v.gtin, v.weight_grams, v.attributes) for v in content.variants
    ]
    text = repr((content.title, content.description, variants))
    # What an older version could not say is left out where it is not said: a request that it
    # recorded is the same when it is repeated.
    more = (
        content.handle,
        [str(id_) for id_ in content.category_ids],
        content.attributes,
        content.media,
        [(v.prices, v.retired) for v in content.variants],
    )
    if any(more[:4]) or any(v.prices or v.retired for v in content.variants):
        text += repr(more)
    return text
