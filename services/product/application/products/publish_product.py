"""Use case: a product can be ordered from now on."""

from dataclasses import dataclass

from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.product import Product
from services.product.domain.values import ProductId


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishProduct:
    product_id: ProductId


async def publish_product(command: PublishProduct, *, uow: UnitOfWork) -> Product:
    """
    Make a product orderable.

    Safe to repeat: an orderable product stays as it is.

    Raises:
        ProductNotFound: There is no such product.
        ProductArchived: It is no longer sold.
    """
    async with uow() as tx:
        product = await tx.products.lock(command.product_id)
        product.publish()
        await tx.products.save(product)
    return product
