"""A large catalogue for an empty product database: the same for the same seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from uuid import UUID

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.storage.bulk import insert_rows
from chassis.storage.database import Database, Transaction
from services.product.adapters import tables
from services.product.adapters.product_rows import row_from_product, rows_from_variants
from services.product.adapters.search.index import SqlSearchIndex
from services.product.application.ports.search import entry_of
from services.product.domain.product import Product, ProductState
from services.product.domain.values import ProductId
from services.product.domain.variant import Variant

WORDS = 12_000
BATCH = 500
START = datetime(2026, 1, 5, tzinfo=UTC)
COLOURS = ("black", "white", "red", "blue", "green", "brass", "oak", "grey", "yellow", "pink")
SIZES = ("XS", "S", "M", "L", "XL", "XXL")
BRANDS = tuple(f"Brand {number}" for number in range(200))
_SYLLABLES = tuple(first + second for first in "bdfgklmnprstvz" for second in "aeiou")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """
    What a catalogue is made of.

    Attributes:
        words: The most frequent first: the first is in every third title, the last in none or one.
    """

    products: int
    variants_each: int
    words: Sequence[str]
    seed: int


def catalogue(*, products: int, variants_each: int, seed: int = 1) -> Catalogue:
    """
    Describe a catalogue; nothing is written.
    """
    chance = random.Random(seed)
    words = dict.fromkeys(
        "".join(chance.choices(_SYLLABLES, k=chance.randint(2, 5))) for _ in range(2 * WORDS)
    )
    return Catalogue(
        products=products,
        variants_each=variants_each,
        words=("lamp", "desk", *list(words)[:WORDS]),
        seed=seed,
    )


async def write_catalogue(database: Database, made: Catalogue) -> None:
    """
    Write the products of *made*, all for sale, in batches; not to be repeated.
    """
    batch: list[Product] = []
    for product in products_of(made):
        batch.append(product)
        if len(batch) == BATCH:
            await _write(database, batch)
            batch = []
    await _write(database, batch)


def products_of(made: Catalogue) -> Iterator[Product]:
    chance = random.Random(made.seed)
    # Word frequencies fall with the rank, as in every language.
    shares = list(accumulate(1 / (rank + 2) for rank in range(len(made.words))))
    for number in range(made.products):
        title, description = (
            " ".join(chance.choices(made.words, cum_weights=shares, k=length)) for length in (5, 30)
        )
        yield Product(
            id=_id(number, chance),
            title=title,
            description=description,
            state=ProductState.ACTIVE,
            variants=tuple(_variants(number, made.variants_each, chance)),
            created_at=START + timedelta(seconds=number),
            updated_at=START + timedelta(seconds=number),
            trace="",
        )


def _variants(number: int, count: int, chance: random.Random) -> Iterator[Variant]:
    brand = BRANDS[min(int(chance.expovariate(0.03)), len(BRANDS) - 1)]
    price = int(chance.lognormvariate(8, 1)) + 100
    for place in range(count):
        yield Variant(
            sku=Sku(f"B-{number:06}.{place}"),
            price=Money(price + 50 * place, "EUR"),
            attributes=(
                ("brand", brand),
                ("colour", chance.choice(COLOURS)),
                ("size", SIZES[place % len(SIZES)]),
            ),
        )


def _id(number: int, chance: random.Random) -> ProductId:
    # A UUIDv7: 48 bits of milliseconds, the version, the variant, and chance.
    milliseconds = int(START.timestamp() * 1000) + number
    rest = (7 << 76) | (chance.getrandbits(12) << 64) | (2 << 62) | chance.getrandbits(62)
    return ProductId(UUID(int=(milliseconds << 80) | rest))


async def _write(database: Database, products: Sequence[Product]) -> None:
    if not products:
        return
    async with database.begin() as tx:
        await _insert(tx, products)


async def _insert(tx: Transaction, products: Sequence[Product]) -> None:
    rows = [dict(row_from_product(product)) | {"version": 1} for product in products]
    await insert_rows(tx, tables.products, rows)
    variants = [
        row for product in products for row in rows_from_variants(product.id, product.variants)
    ]
    await insert_rows(tx, tables.variants, variants)
    # The variants' foreign key wants their products to be there.
    SqlSearchIndex(tx).put([entry_of(product, product.created_at) for product in products])
