import asyncio
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.storage.idempotency import RequestIdReused
from services.product.adapters.tables import metadata
from services.product.application.ports.products import ProductFilter, ProductNotFound, SkuTaken
from services.product.application.products.create_product import CreateProduct, create_product
from services.product.application.products.publish_product import PublishProduct, publish_product
from services.product.domain.product_content import ProductContent
from services.product.domain.values import ProductId
from services.product.domain.variant import Variant

PRICE = Money(19_99, "EUR")


def a_lamp(*skus, request_id=None, title="A lamp"):
    variants = tuple(
        Variant(
            sku=Sku(sku),
            price=PRICE,
            gtin="4006381333931",
            weight_grams=900,
            attributes=(("colour", "red"), ("größe", '10"')),
        )
        for sku in skus or ("LAMP",)
    )
    content = ProductContent(title=title, description="Lights.", variants=variants)
    return CreateProduct(request_id=request_id or uuid4(), content=content)


async def create(replica, command):
    return await create_product(command, uow=replica.uow, clock=replica.clock)


async def read(replica, product_id):
    async with replica.uow() as tx:
        return await tx.products.get(product_id)


async def test_a_product_reads_back_as_it_was_written(replica):
    created = await create(replica, a_lamp("LAMP-2", "LAMP-1"))

    product = await read(replica, created.id)

    assert [variant.sku for variant in product.variants] == ["LAMP-2", "LAMP-1"]
    assert product.variants == created.variants
    assert (product.title, product.created_at) == (created.title, created.created_at)


async def test_the_same_request_at_once_creates_one_product(replicas):
    command = a_lamp()

    first, *others = await asyncio.gather(*(create(replicas[n % 2], command) for n in range(8)))

    assert {product.id for product in others} == {first.id}


async def test_a_request_id_is_not_used_for_another_product(replica):
    command = a_lamp()
    await create(replica, command)

    with pytest.raises(RequestIdReused):
        await create(replica, a_lamp(request_id=command.request_id, title="A torch"))


async def test_a_taken_sku_is_refused_and_leaves_nothing(replica):
    await create(replica, a_lamp("LAMP"))
    command = a_lamp("SHADE", "LAMP")

    with pytest.raises(SkuTaken):
        await create(replica, command)

    created = await create(replica, a_lamp("SHADE", request_id=command.request_id))
    assert (await read(replica, created.id)).variants == created.variants


async def test_only_published_variants_are_sold(replica):
    published = await create(replica, a_lamp("LAMP"))
    await create(replica, a_lamp("TORCH"))

    await asyncio.gather(
        *(
            publish_product(
                PublishProduct(product_id=published.id), uow=replica.uow, clock=replica.clock
            )
            for _ in "12"
        )
    )

    async with replica.uow() as tx:
        sold = await tx.products.sold_variants([Sku("LAMP"), Sku("TORCH"), Sku("NONE")])
    assert [(variant.sku, variant.prices.standing) for variant in sold] == [("LAMP", PRICE)]


async def test_what_is_not_there_is_not_found(replica):
    with pytest.raises(ProductNotFound):
        await read(replica, ProductId(uuid4()))


async def test_pages_come_in_the_order_of_creation(replica):
    created = [(await create(replica, a_lamp(f"LAMP-{n}"))).id for n in range(5)]

    async with replica.uow() as tx:
        first = await tx.products.page(ProductFilter(), after=None, limit=3)
        second = await tx.products.page(ProductFilter(), after=first[-1].id, limit=3)

    assert [product.id for product in [*first, *second]] == created


async def test_the_tables_are_what_the_migrations_make(replica):
    def differences(connection):
        def ours(name, type_, _parents):
            return type_ != "table" or name in metadata.tables

        context = MigrationContext.configure(
            connection, opts={"include_name": ours, "compare_type": True}
        )
        found = compare_metadata(context, metadata)
        # Constraints and indexes beyond the keys are told by the migrations alone.
        return [d for d in found if d[0] not in ("remove_constraint", "remove_index", "remove_fk")]

    async with replica.database.begin() as tx:
        assert await tx.connection.run_sync(differences) == []
