"""Use case: what is known of a product changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chassis.kernel.clock import Clock
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.products.classifying import definitions_for, demanded_of
from services.product.domain.product import Product
from services.product.domain.values import ProductId

# A change of another field meets values that were right when they were given.
CLASSIFIED = {"category_ids", "attributes", "variants"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateProduct:
    """
    Attributes:
        etag: Of the product as the caller knows it; empty if that does not matter.
        changes: Fields of ProductContent, and what they shall be.
    """

    product_id: ProductId
    etag: str
    changes: Mapping[str, Any]


async def update_product(command: UpdateProduct, *, uow: UnitOfWork, clock: Clock) -> Product:
    """
    Change some fields of a product.

    Safe to repeat: what is as asked stays as it is, whatever the etag.

    Raises:
        ProductNotFound: There is no such product.
        EtagMismatch: It has changed meanwhile.
        ProductIsArchived, VariantPublished: It cannot change so.
        SkuTaken, HandleTaken, CategoryUnknown, AttributeMalformed: As when it is created.
    """
    async with uow() as tx:
        product = await tx.products.lock(command.product_id)
        content = replace(product.content, **command.changes)
        if content == product.content:
            return product
        if command.etag:
            product.must_be(command.etag)
        if CLASSIFIED & command.changes.keys():
            content.must_fit(demanded_of(content, await definitions_for([content], tx)))
        product.revise(content, now=clock())
        await tx.products.save(product)
    return product
