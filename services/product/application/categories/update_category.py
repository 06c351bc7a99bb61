"""Use case: a branch of the tree is renamed or moved, or defines other attributes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.category import Branch, Category, CategoryTree
from services.product.domain.values import CategoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCategory:
    """
    Attributes:
        etag: Of the category as the caller knows it; empty if that does not matter.
        changes: Fields of Branch, and what they shall be.
    """

    category_id: CategoryId
    etag: str
    changes: Mapping[str, Any]


async def update_category(
    command: UpdateCategory, *, uow: UnitOfWork
) -> tuple[Category, CategoryTree]:
    """
    Change a category, and return it with the tree it is in.

    Safe to repeat: what is as asked stays as it is, whatever the etag.

    Raises:
        CategoryNotFound: There is no such category.
        EtagMismatch: It has changed meanwhile.
        CategoryBelowItself: It would be below itself.
        CategoryUnknown, CategoryNameTaken, CategoryTreeFull: As when it is created.
    """
    async with uow() as tx:
        tree = await tx.categories.lock_tree()
        category = tree.get(command.category_id)
        branch = replace(Branch.of(category), **command.changes)
        if branch == Branch.of(category):
            return category, tree
        if command.etag:
            category.must_be(command.etag)
        await tx.categories.save(tree.change(category, branch))
    return category, tree
