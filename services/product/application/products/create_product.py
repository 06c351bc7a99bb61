"""Use case: something new is to be sold."""

from dataclasses import dataclass
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from services.product.application.ports.requests import Request
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.product import Product, Variant
from services.product.domain.values import ProductId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProduct:
    request_id: UUID
    title: str
    description: str
    variants: tuple[Variant, ...]


async def create_product(command: CreateProduct, *, uow: UnitOfWork, clock: Clock) -> Product:
    """
    Create a product as a draft.

    Safe to repeat: the request is recorded with the product, and the same request again returns
    the product that the first one made.

    Raises:
        TextMalformed, VariantsOutOfRange, SkuRepeated: It makes no product.
        SkuTaken: Another product has one of the SKUs.
    """
    now = clock()
    product = Product.draft(
        ProductId(new_id()),
        title=command.title,
        description=command.description,
        variants=command.variants,
        now=now,
    )
    async with uow() as tx:
        (earlier,) = await tx.requests.claim([_request(command, product)], now=now)
        if isinstance(earlier, DomainError):
            raise earlier
        if earlier is not None:
            return await tx.products.get(ProductId(earlier))
        await tx.products.save(product)
    return product


def _request(command: CreateProduct, product: Product) -> Request:
    variants = [
        (v.sku, str(v.price), v.gtin, v.weight_grams, v.attributes) for v in command.variants
    ]
    return Request(
        operation="CreateProduct",
        request_id=command.request_id,
        content=repr((command.title, command.description, variants)),
        outcome_id=product.id,
    )
