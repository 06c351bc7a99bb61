"""Every category there is."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.product.domain.category import Category, CategoryTree, DefinitionsOf
from services.product.domain.values import CategoryId


class Categories(Protocol):
    """
    Every category there is.
    """

    async def tree(self) -> CategoryTree: ...

    async def branch(self, category_id: CategoryId) -> CategoryTree:
        """
        Return of the tree only the category and those above it.
        """
        ...

    async def lock_tree(self) -> CategoryTree:
        """
        Return the tree to be changed: nobody else can until this transaction ends.
        """
        ...

    async def definitions(self, ids: Collection[CategoryId]) -> DefinitionsOf:
        """
        Return what holds for the products of those of the categories *ids* that exist, which
        stay as they are until this transaction ends.
        """
        ...

    async def lock_unused(self, category_id: CategoryId) -> bool:
        """
        Return whether no product is in the category, archived ones aside; none comes in until this
        transaction ends.
        """
        ...

    async def save(self, categories: Sequence[Category]) -> None:
        """
        Raises:
            Conflict: Now or at the end of the transaction: somebody else was faster.
        """
        ...

    async def delete(self, category: Category) -> None: ...
