"""Use case: the tree gets a new branch."""

from dataclasses import dataclass
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from services.product.application.ports.requests import Request
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.category import Branch, Category, CategoryTree
from services.product.domain.values import CategoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCategory:
    request_id: UUID
    branch: Branch


async def create_category(
    command: CreateCategory, *, uow: UnitOfWork, clock: Clock
) -> tuple[Category, CategoryTree]:
    """
    Create a category, and return it with the tree it is in.

    Safe to repeat: the request is recorded with the category, and the same request again returns
    the category that the first one made.

    Raises:
        CategoryUnknown: There is no such parent.
        CategoryNameTaken: A sibling has the name.
        CategoryTreeFull: There are as many, or as deep down, as there may be.
        CategoryNotFound: The first request's category was deleted since.
    """
    request = Request(
        operation="CreateCategory",
        request_id=command.request_id,
        content=repr(
            (str(command.branch.parent_id), command.branch.name, command.branch.attributes)
        ),
        outcome_id=new_id(),
    )
    async with uow() as tx:
        (earlier,) = await tx.requests.claim([request], now=clock())
        if isinstance(earlier, DomainError):
            raise earlier
        tree = await tx.categories.lock_tree()
        if earlier is not None:
            return tree.get(CategoryId(earlier)), tree
        category = tree.add(CategoryId(request.outcome_id), command.branch)
        await tx.categories.save([category])
    return category, tree
