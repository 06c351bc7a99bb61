"""The tree that products are sorted into."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.errors import NotFound, RuleViolated
from chassis.kernel.text import check_text
from services.product.domain.attributes import Definitions, check_definitions
from services.product.domain.events import (
    CategoryChanged,
    CategoryCreated,
    CategoryDeleted,
    CategoryEvent,
)
from services.product.domain.values import CategoryId, EtagMismatch

MOST_CATEGORIES = 10_000
MOST_LEVELS = 10
MOST_NAME = 200


class CategoryNotFound(NotFound):
    pass


class CategoryUnknown(RuleViolated):
    pass


class CategoryNameTaken(RuleViolated):
    pass


class CategoryTreeFull(RuleViolated):
    pass


class CategoryBelowItself(RuleViolated):
    pass


class CategoryInUse(RuleViolated):
    pass


@dataclass(kw_only=True, eq=False)
class Category(Aggregate[CategoryEvent]):
    """
    A branch of the tree.

    Attributes:
        attributes: What its products and theirs below say of themselves.
        path: The ids from the top down to this one.
    """

    id: CategoryId
    parent_id: CategoryId | None
    name: str
    attributes: Definitions
    path: tuple[CategoryId, ...]

    @property
    def etag(self) -> str:
        """
        Changes with every change.
        """
        return str(self.version)

    def must_be(self, etag: str) -> None:
        """
        Raises:
            EtagMismatch: It has changed since somebody saw *etag*.
        """
        if etag != self.etag:
            raise EtagMismatch(f"category {self.id} has changed: its etag is {self.etag}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """
    What somebody wants a category to be.
    """

    parent_id: CategoryId | None
    name: str
    attributes: Definitions = ()

    def __post_init__(self) -> None:
        check_text(self.name, "name", least=1, most=MOST_NAME)
        check_definitions(self.attributes)

    @classmethod
    def of(cls, category: Category) -> Self:
        return cls(parent_id=category.parent_id, name=category.name, attributes=category.attributes)


class CategoryTree:
    """
    All categories. It changes as one, so that no two changes make a circle.
    """

    def __init__(self, categories: Iterable[Category]) -> None:
        self._categories = {category.id: category for category in categories}

    def __iter__(self) -> Iterator[Category]:
        """
        Parents before their children, and those by name.
        """
        children: dict[CategoryId | None, list[Category]] = {}
        for category in sorted(self._categories.values(), key=lambda each: (each.name, each.id)):
            children.setdefault(category.parent_id, []).append(category)
        waiting = children.get(None, [])[::-1]
        while waiting:
            category = waiting.pop()
            yield category
            waiting += children.get(category.id, [])[::-1]

    def find(self, category_id: CategoryId) -> Category | None:
        return self._categories.get(category_id)

    def get(self, category_id: CategoryId) -> Category:
        """
        Raises:
            CategoryNotFound: There is no such category.
        """
        if category_id not in self._categories:
            raise CategoryNotFound(f"there is no category {category_id}")
        return self._categories[category_id]

    def names_of(self, category: Category) -> tuple[str, ...]:
        """
        Return the names from the top down to *category*.
        """
        return tuple(self._categories[id_].name for id_ in category.path)

    def add(self, category_id: CategoryId, branch: Branch) -> Category:
        """
        Raises:
            CategoryUnknown: There is no such parent.
            CategoryNameTaken: A sibling has the name.
            CategoryTreeFull: There are as many, or as deep down, as there may be.
        """
        if len(self._categories) >= MOST_CATEGORIES:
            raise CategoryTreeFull(f"there are {MOST_CATEGORIES:,} categories")
        path = (*self._path_to(branch.parent_id), category_id)
        self._must_fit(category_id, branch, levels=len(path))
        category = Category(
            id=category_id,
            parent_id=branch.parent_id,
            name=branch.name,
            attributes=branch.attributes,
            path=path,
        )
        self._categories[category_id] = category
        category.record(
            CategoryCreated(category_id=category_id, parent_id=branch.parent_id, name=branch.name)
        )
        return category

    def change(self, category: Category, branch: Branch) -> list[Category]:
        """
        Make *category* what *branch* says, and return those that are other than before: it, and
        all below if it was moved.

        Raises:
            CategoryUnknown, CategoryNameTaken, CategoryTreeFull: As when it is added.
            CategoryBelowItself: It would be below itself.
        """
        if branch == Branch.of(category):
            return []
        path = (*self._path_to(branch.parent_id), category.id)
        if category.id in path[:-1]:
            raise CategoryBelowItself(f"category {category.id} cannot be below itself")
        below = self._below(category) if path != category.path else []
        deeper = max((len(each.path) - len(category.path) for each in below), default=0)
        self._must_fit(category.id, branch, levels=len(path) + deeper)
        depth = len(category.path)
        category.parent_id, category.name = branch.parent_id, branch.name
        category.attributes, category.path = branch.attributes, path
        for each in below:
            each.path = (*path, *each.path[depth:])
        for each in (category, *below):
            each.record(
                CategoryChanged(category_id=each.id, parent_id=each.parent_id, name=each.name)
            )
        return [category, *below]

    def remove(self, category: Category) -> None:
        """
        Raises:
            CategoryInUse: It has children.
        """
        if self._below(category):
            raise CategoryInUse(f"category {category.id} has categories below it")
        del self._categories[category.id]
        category.record(CategoryDeleted(category_id=category.id))

    def _path_to(self, parent_id: CategoryId | None) -> tuple[CategoryId, ...]:
        if parent_id is None:
            return ()
        if parent_id not in self._categories:
            raise CategoryUnknown(f"there is no category {parent_id}")
        return self._categories[parent_id].path

    def _must_fit(self, category_id: CategoryId, branch: Branch, *, levels: int) -> None:
        if levels > MOST_LEVELS:
            raise CategoryTreeFull(f"there are at most {MOST_LEVELS} levels")
        for other in self._categories.values():
            is_sibling = other.parent_id == branch.parent_id and other.id != category_id
            if is_sibling and other.name == branch.name:
                raise CategoryNameTaken(f"category {other.id} is named {branch.name!r} already")

    def _below(self, category: Category) -> list[Category]:
        return [
            each
            for each in self._categories.values()
            if category.id in each.path and each is not category
        ]


# The attributes that hold for the products of each category, its own and inherited ones.
DefinitionsOf = Mapping[CategoryId, Definitions]
