"""What somebody wants a product to be."""

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from typing import Self

from chassis.kernel.errors import InvalidInput
from chassis.kernel.text import Sku, check_text
from services.product.domain.attributes import (
    AttributeMissing,
    Attributes,
    Definitions,
    check_attributes,
    must_be_of_their_types,
)
from services.product.domain.media import MOST_MEDIA, Media, MediaOutOfRange
from services.product.domain.values import CategoryId
from services.product.domain.variant import Variant

MOST_TITLE = 500
MOST_DESCRIPTION = 10_000
MOST_VARIANTS = 1_000
MOST_CATEGORIES = 10

# What a change may leave as it is.
CONTENT_FIELDS = ("title", "description", "category_ids", "attributes", "media", "variants")

_HANDLE = re.compile(r"[a-z0-9\-_.]{0,128}")


class HandleMalformed(InvalidInput):
    pass


class VariantsOutOfRange(InvalidInput):
    pass


class SkuRepeated(InvalidInput):
    pass


class CategoriesOutOfRange(InvalidInput):
    pass


class CategoryRepeated(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductContent:
    """
    What somebody wants a product to be: all that can be said of it by hand.

    Attributes:
        handle: The caller's own name for it; unique; may be empty.
        attributes: What all its variants have in common, sorted by name.
        media: The first one is shown first.
    """

    title: str
    description: str
    variants: tuple[Variant, ...]
    handle: str = ""
    category_ids: tuple[CategoryId, ...] = ()
    attributes: Attributes = ()
    media: tuple[Media, ...] = ()

    def __post_init__(self) -> None:
        check_text(self.title, "title", least=1, most=MOST_TITLE)
        check_text(self.description, "description", most=MOST_DESCRIPTION)
        if not _HANDLE.fullmatch(self.handle):
            raise HandleMalformed(
                f'handle must be 1 to 128 of a-z, 0-9 and "-_.", not {self.handle[:64]!r}',
                field="handle",
            )
        if len(self.category_ids) > MOST_CATEGORIES:
            raise CategoriesOutOfRange(
                f"a product is in at most {MOST_CATEGORIES} categories", field="category_ids"
            )
        if len(set(self.category_ids)) < len(self.category_ids):
            raise CategoryRepeated("a category is there twice", field="category_ids")
        check_attributes(self.attributes)
        if len(self.media) > MOST_MEDIA:
            raise MediaOutOfRange(f"a product has at most {MOST_MEDIA} media", field="media")
        self._must_have_variants()

    def must_fit(self, definitions: Definitions) -> None:
        """
        Raises:
            AttributeMalformed: A value is not what a definition allows.
        """
        must_be_of_their_types(self.attributes, definitions)
        for variant in self.variants:
            must_be_of_their_types(variant.attributes, definitions)

    def must_be_complete(self, definitions: Definitions) -> None:
        """
        Raises:
            AttributeMissing: The product and one of its variants lack what a definition requires.
        """
        for definition in definitions:
            if definition.required and not self._has(definition.name):
                raise AttributeMissing(f"attributes[{definition.name!r}] is required")

    def over(self, earlier: Self, fields: Set[str]) -> Self:
        """
        Return what becomes of *earlier* if only *fields* are to be as described here: names of
        fields, and of fields of variants, such as `variants.gtin`. (Prices that are due at any time
        change with `variants`.)
        """
        kept = {name: getattr(earlier, name) for name in CONTENT_FIELDS if name not in fields}
        if "variants" in fields:
            known = {variant.sku: variant for variant in earlier.variants}
            kept["variants"] = tuple(v.over(known.get(v.sku, v), fields) for v in self.variants)
        return replace(self, **kept)

    @property
    def sold_skus(self) -> Iterable[Sku]:
        """
        What is sold if the product is.
        """
        return (variant.sku for variant in self.variants if not variant.retired)

    def _has(self, attribute: str) -> bool:
        own = (dict(variant.attributes) for variant in self.variants if not variant.retired)
        return attribute in dict(self.attributes) or all(attribute in each for each in own)

    def _must_have_variants(self) -> None:
        if not 1 <= len(self.variants) <= MOST_VARIANTS:
            raise VariantsOutOfRange(
                f"a product has 1 to {MOST_VARIANTS:,} variants", field="variants"
            )
        seen: set[Sku] = set()
        for number, variant in enumerate(self.variants):
            if variant.sku in seen:
                raise SkuRepeated(f"{variant.sku} is there twice", field=f"variants[{number}].sku")
            seen.add(variant.sku)
