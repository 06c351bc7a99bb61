"""Use case: products shall be as they are described somewhere else."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chassis.kernel.clock import Clock
from chassis.kernel.errors import Conflict, DomainError
from chassis.kernel.ids import new_id
from chassis.kernel.text import Sku
from services.product.application.ports.products import HandleTaken, SkuTaken
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.products.classifying import definitions_for, demanded_of
from services.product.domain.category import DefinitionsOf
from services.product.domain.product import Product, ProductState
from services.product.domain.product_content import ProductContent
from services.product.domain.values import ProductId

# Who meets somebody else's change looks again, and then sees it.
TRIES = 3


class ImportOutcome(StrEnum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProduct:
    """
    What the product with the handle of *content* shall be.

    Attributes:
        publish: Whether to make it orderable as well.
        fields: What to change of a product that is there already; empty: all of it.
    """

    content: ProductContent
    publish: bool = False
    fields: Set[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    product_id: ProductId
    outcome: ImportOutcome


async def import_products(
    commands: Sequence[ImportProduct], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Imported | DomainError]:
    """
    Create or change products, each known by its handle, and answer each on its own.

    Safe to repeat: what is as described stays as it is.

    Raises:
        Conflict: Others change the same products all the time.
    """
    for _ in range(TRIES):
        try:
            return await _import(commands, uow, clock())
        except (Conflict, SkuTaken, HandleTaken):
            # Whoever took it did so since the batch looked: no entry alone is to blame.
            continue
    raise Conflict("others change the same products all the time; try again")


async def _import(
    commands: Sequence[ImportProduct], uow: UnitOfWork, now: datetime
) -> Sequence[Imported | DomainError]:
    contents = [command.content for command in commands]
    async with uow() as tx:
        known = await tx.products.lock_handles({content.handle for content in contents})
        batch = Batch(
            products=dict(known),
            owners=dict(await tx.products.owners({v.sku for c in contents for v in c.variants})),
            # Those of the categories that a product may stay in, too.
            definitions=await definitions_for(
                [*contents, *(product.content for product in known.values())], tx
            ),
            now=now,
        )
        answers = batch.answer(commands)
        await tx.products.save_many(list(batch.products.values()))
    return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """
    What a batch works on: the next entry sees what the one before it did.

    Attributes:
        products: By handle.
        owners: Which product has each SKU.
    """

    products: dict[str, Product]
    owners: dict[Sku, ProductId]
    definitions: DefinitionsOf
    now: datetime

    def answer(self, commands: Sequence[ImportProduct]) -> Sequence[Imported | DomainError]:
        # By handle, which is so the order of new ids, in which rows are written: two batches
        # that bring the same new products never wait for each other in a circle.
        in_order = sorted(range(len(commands)), key=lambda n: commands[n].content.handle)
        answers: dict[int, Imported | DomainError] = {}
        for number in in_order:
            try:
                answers[number] = self._import(commands[number])
            except DomainError as refusal:
                answers[number] = refusal
        return [answers[number] for number in range(len(commands))]

    def _import(self, command: ImportProduct) -> Imported:
        content = command.content
        product = self.products.get(content.handle)
        if product and command.fields:
            content = content.over(product.content, command.fields)
        told = product.untold if product else 0
        if product is None or product.content != content:
            self._must_fit(content, product)
        if command.publish and (product is None or product.state is ProductState.DRAFT):
            content.must_be_complete(demanded_of(content, self.definitions))
        outcome = ImportOutcome.CREATED
        if product is None:
            product = Product.draft(ProductId(new_id()), content, now=self.now)
        else:
            product.revise(content, now=self.now)
            outcome = ImportOutcome.UPDATED
        if command.publish:
            product.publish(now=self.now)
        self.products[content.handle] = product
        self.owners.update(dict.fromkeys((v.sku for v in content.variants), product.id))
        if product.untold == told:
            outcome = ImportOutcome.UNCHANGED
        return Imported(product_id=product.id, outcome=outcome)

    def _must_fit(self, content: ProductContent, product: Product | None) -> None:
        content.must_fit(demanded_of(content, self.definitions))
        owner_id = product.id if product else None
        for variant in content.variants:
            if self.owners.get(variant.sku, owner_id) != owner_id:
                raise SkuTaken(f"product {self.owners[variant.sku]} has {variant.sku}")
