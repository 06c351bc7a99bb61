"""Use case: a product is not sold any more."""

from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.product import Product
from services.product.domain.values import ProductId


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveProduct:
    product_id: ProductId


async def archive_product(command: ArchiveProduct, *, uow: UnitOfWork, clock: Clock) -> Product:
    """
    Take a product out of sale for good. What was ordered stays ordered.

    Safe to repeat: an archived product stays so.

    Raises:
        ProductNotFound: There is no such product.
    """
    async with uow() as tx:
        product = await tx.products.lock(command.product_id)
        product.archive(now=clock())
        await tx.products.save(product)
    return product
