"""The Product aggregate: something to sell, in one or more variants."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.errors import InvalidInput, RuleViolated
from chassis.kernel.money import Money
from chassis.kernel.text import Sku, check_text
from services.product.domain.events import ProductPublished
from services.product.domain.values import ProductId

MOST_TITLE = 500
MOST_DESCRIPTION = 10_000
MOST_VARIANTS = 1_000
MOST_ATTRIBUTES = 50

_GTIN = re.compile(r"\d{8}|\d{12,14}", re.ASCII)


class ProductState(StrEnum):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class PriceNotPositive(InvalidInput):
    pass


class GtinInvalid(InvalidInput):
    pass


class WeightNegative(InvalidInput):
    pass


class VariantsOutOfRange(InvalidInput):
    pass


class AttributesOutOfRange(InvalidInput):
    pass


class SkuRepeated(InvalidInput):
    pass


class ProductArchived(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """
    The unit that is sold, priced and counted.

    Attributes:
        gtin: A GTIN-8, -12, -13 or -14; empty if there is none.
        weight_grams: 0 if not known.
        attributes: Such as `(("colour", "red"),)`, sorted by name.
    """

    sku: Sku
    price: Money
    gtin: str = ""
    weight_grams: int = 0
    attributes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.price.minor_units < 1:
            raise PriceNotPositive(f"a price is above zero, not {self.price}", field="price")
        if self.gtin and not _is_gtin(self.gtin):
            raise GtinInvalid(f"{self.gtin[:20]!r} is no GTIN-8, -12, -13 or -14", field="gtin")
        if self.weight_grams < 0:
            raise WeightNegative("a weight is not negative", field="weight_grams")
        if len(self.attributes) > MOST_ATTRIBUTES:
            raise AttributesOutOfRange(
                f"a variant has at most {MOST_ATTRIBUTES} attributes", field="attributes"
            )
        for name, value in self.attributes:
            check_text(name, "attributes", least=1, most=64)
            check_text(value, f"attributes[{name!r}]", most=1_000)


@dataclass(kw_only=True, eq=False)
class Product(Aggregate[ProductPublished]):
    """
    Something to sell. How much of it there is, is not its concern: that changes a thousand
    times as often and is told by its stock items.
    """

    id: ProductId
    title: str
    description: str
    state: ProductState
    variants: tuple[Variant, ...]
    created_at: datetime

    @classmethod
    def draft(
        cls,
        product_id: ProductId,
        *,
        title: str,
        description: str,
        variants: tuple[Variant, ...],
        now: datetime,
    ) -> Self:
        """
        Return a new product, not orderable yet.

        Raises:
            TextMalformed: The title is empty, or a text too long.
            VariantsOutOfRange: There is nothing to sell, or too much for one event to tell.
            SkuRepeated: Two variants have one SKU.
        """
        check_text(title, "title", least=1, most=MOST_TITLE)
        check_text(description, "description", most=MOST_DESCRIPTION)
        if not 1 <= len(variants) <= MOST_VARIANTS:
            raise VariantsOutOfRange(
                f"a product has 1 to {MOST_VARIANTS:,} variants", field="variants"
            )
        seen: set[Sku] = set()
        for number, variant in enumerate(variants):
            if variant.sku in seen:
                raise SkuRepeated(f"{variant.sku} is there twice", field=f"variants[{number}].sku")
            seen.add(variant.sku)
        return cls(
            id=product_id,
            title=title,
            description=description,
            state=ProductState.DRAFT,
            variants=variants,
            created_at=now,
        )

    def publish(self) -> None:
        """
        Make it orderable. An ACTIVE one is, and stays so.

        Raises:
            ProductArchived: It is no longer sold.
        """
        if self.state is ProductState.ACTIVE:
            return
        if self.state is ProductState.ARCHIVED:
            raise ProductArchived(f"product {self.id} is archived")
        self.state = ProductState.ACTIVE
        prices = tuple((variant.sku, variant.price) for variant in self.variants)
        self.record(ProductPublished(product_id=self.id, title=self.title, prices=prices))


def _is_gtin(text: str) -> bool:
    if not _GTIN.fullmatch(text):
        return False
    # From the right, every other digit counts three times; the sum ends in 0.
    digits = [int(digit) for digit in reversed(text)]
    return (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0
