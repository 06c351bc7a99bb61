"""Use case: a branch is cut off the tree."""

from dataclasses import dataclass

from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.category import CategoryInUse
from services.product.domain.values import CategoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCategory:
    category_id: CategoryId


async def delete_category(command: DeleteCategory, *, uow: UnitOfWork) -> None:
    """
    Delete a category that nothing is in.

    Safe to repeat: one that is gone stays so.

    Raises:
        CategoryInUse: It has children, or products that are not archived.
    """
    async with uow() as tx:
        tree = await tx.categories.lock_tree()
        category = tree.find(command.category_id)
        if category is None:
            return
        if not await tx.categories.lock_unused(category.id):
            raise CategoryInUse(f"category {category.id} has products")
        tree.remove(category)
        await tx.categories.delete(category)
