"""Use case: a product can be ordered from now on."""

from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.products.classifying import definitions_for, demanded_of
from services.product.domain.product import Product
from services.product.domain.values import ProductId


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishProduct:
    product_id: ProductId


async def publish_product(command: PublishProduct, *, uow: UnitOfWork, clock: Clock) -> Product:
    """
    Make a product orderable.

    Safe to repeat: an orderable product stays as it is.

    Raises:
        ProductNotFound: There is no such product.
        ProductIsArchived: It is no longer sold.
        AttributeMissing: One of its categories demands an attribute that it does not have.
    """
    async with uow() as tx:
        product = await tx.products.lock(command.product_id)
        definitions = await definitions_for([product.content], tx)
        product.publish(demanded_of(product.content, definitions), now=clock())
        await tx.products.save(product)
    return product
