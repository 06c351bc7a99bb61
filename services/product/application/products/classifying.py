"""Part of the use cases: what the categories of products demand of them."""

from collections.abc import Iterable

from services.product.application.ports.transaction import Transaction
from services.product.domain.attributes import Definitions
from services.product.domain.category import CategoryUnknown, DefinitionsOf
from services.product.domain.product_content import ProductContent


async def definitions_for(contents: Iterable[ProductContent], tx: Transaction) -> DefinitionsOf:
    """
    Return what the categories of *contents* define; they stay so until the transaction ends.
    """
    return await tx.categories.definitions({id_ for each in contents for id_ in each.category_ids})


def demanded_of(content: ProductContent, definitions: DefinitionsOf) -> Definitions:
    """
    Return what the categories of *content* demand of it.

    Raises:
        CategoryUnknown: It names a category that does not exist.
    """
    if missing := [str(id_) for id_ in content.category_ids if id_ not in definitions]:
        raise CategoryUnknown(f"there is no category {', '.join(missing)}")
    return [definition for id_ in content.category_ids for definition in definitions[id_]]
