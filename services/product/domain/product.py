"""The Product aggregate: something to sell, in one or more variants."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.errors import RuleViolated
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.domain.attributes import Attributes, Definitions
from services.product.domain.events import (
    CatalogEvent,
    PriceChanged,
    ProductArchived,
    ProductChanged,
    ProductCreated,
    ProductPublished,
)
from services.product.domain.media import Media
from services.product.domain.price import Prices
from services.product.domain.product_content import ProductContent
from services.product.domain.values import CategoryId, EtagMismatch, ProductId
from services.product.domain.variant import Variant

_FIELDS = tuple(field.name for field in fields(ProductContent))


class ProductState(StrEnum):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class ProductIsArchived(RuleViolated):
    # The plain name is the event's.
    reason = "PRODUCT_ARCHIVED"


class VariantPublished(RuleViolated):
    pass


@dataclass(kw_only=True, eq=False)
class Product(Aggregate[CatalogEvent]):
    """
    Something to sell. How much of it there is, is not its concern: that changes a thousand
    times as often and is told by its stock items.

    Whatever changes in it is told.

    Attributes:
        next_price_at: When a scheduled price takes effect or ends that was not told yet.
    """

    id: ProductId
    title: str
    description: str
    state: ProductState
    variants: tuple[Variant, ...]
    created_at: datetime
    updated_at: datetime
    handle: str = ""
    category_ids: tuple[CategoryId, ...] = ()
    attributes: Attributes = ()
    media: tuple[Media, ...] = ()
    next_price_at: datetime | None = None

    @classmethod
    def draft(cls, product_id: ProductId, content: ProductContent, *, now: datetime) -> Self:
        """
        Return a new product, not orderable yet.
        """
        product = cls(
            id=product_id,
            state=ProductState.DRAFT,
            created_at=now,
            updated_at=now,
            **_shallow(content),
        )
        product._schedule_prices(now)
        product.record(
            ProductCreated(product_id=product_id, title=content.title, handle=content.handle)
        )
        return product

    @property
    def etag(self) -> str:
        """
        Changes with every change.
        """
        return str(self.version)

    @property
    def content(self) -> ProductContent:
        return ProductContent(**{name: getattr(self, name) for name in _FIELDS})

    @property
    def is_sold(self) -> bool:
        """
        Whether there is anything of it that can be ordered.
        """
        return bool(self._sold())

    def must_be(self, etag: str) -> None:
        """
        Raises:
            EtagMismatch: It has changed since somebody saw *etag*.
        """
        if etag != self.etag:
            raise EtagMismatch(f"product {self.id} has changed: its etag is {self.etag}")

    def revise(self, content: ProductContent, *, now: datetime) -> None:
        """
        Make it what *content* says. What is so already stays as it is, and tells nothing.

        Raises:
            ProductIsArchived: It is no longer sold.
            VariantPublished: A variant that was for sale would be gone.
        """
        self._must_not_be_archived()
        self._must_keep_what_was_sold(content)
        earlier = self.content
        if content == earlier:
            return
        self.tell_due_prices(now)
        before = {variant.sku: _prices_of(variant) for variant in self.variants}
        priced = [v for v in content.variants if _prices_of(v) != before.get(v.sku)]
        for name, value in _shallow(content).items():
            setattr(self, name, value)
        self.updated_at = now
        if changed := _changed_fields(earlier, content):
            self.record(
                ProductChanged(
                    product_id=self.id, title=self.title, changed_fields=changed, skus=self._sold()
                )
            )
        self._tell_prices(priced, now)
        self._schedule_prices(now)

    def set_prices(self, prices: Mapping[Sku, Prices], *, now: datetime) -> None:
        """
        Replace all prices of those of its variants that are in *prices*.

        Raises:
            ProductIsArchived: It is no longer sold.
        """
        variants = tuple(
            replace(v, price=prices[v.sku][0], prices=prices[v.sku][1]) if v.sku in prices else v
            for v in self.variants
        )
        self.revise(replace(self.content, variants=variants), now=now)

    def publish(self, definitions: Definitions = (), *, now: datetime) -> None:
        """
        Make it orderable. An ACTIVE one is, and stays so.

        Args:
            definitions: What its categories say of its attributes.

        Raises:
            ProductIsArchived: It is no longer sold.
            AttributeMissing: A category demands an attribute that it does not have.
        """
        if self.state is ProductState.ACTIVE:
            return
        self._must_not_be_archived()
        self.content.must_be_complete(definitions)
        self.state = ProductState.ACTIVE
        self.updated_at = now
        prices = _current((v for v in self.variants if not v.retired), now)
        self.record(ProductPublished(product_id=self.id, title=self.title, prices=prices))

    def archive(self, *, now: datetime) -> None:
        """
        Take it out of sale for good. An ARCHIVED one is, and stays so.
        """
        if self.state is ProductState.ARCHIVED:
            return
        self.state = ProductState.ARCHIVED
        self.updated_at = now
        self.next_price_at = None
        self.record(ProductArchived(product_id=self.id))

    def tell_due_prices(self, now: datetime) -> None:
        """
        Tell the prices that have taken effect or ended by themselves, if any have.
        """
        due = self.next_price_at
        if due is None or due > now:
            return
        self._tell_prices([v for v in self.variants if v.price_list.changes_between(due, now)], now)
        self.updated_at = now
        self._schedule_prices(now)

    def _schedule_prices(self, now: datetime) -> None:
        changes = (variant.price_list.next_change_after(now) for variant in self.variants)
        self.next_price_at = min((at for at in changes if at is not None), default=None)

    def _tell_prices(self, variants: Sequence[Variant], now: datetime) -> None:
        if variants:
            self.record(PriceChanged(product_id=self.id, prices=_current(variants, now)))

    def _sold(self) -> tuple[Sku, ...]:
        return tuple(self.content.sold_skus) if self.state is ProductState.ACTIVE else ()

    def _must_not_be_archived(self) -> None:
        if self.state is ProductState.ARCHIVED:
            raise ProductIsArchived(f"product {self.id} is archived")

    def _must_keep_what_was_sold(self, content: ProductContent) -> None:
        if self.state is not ProductState.ACTIVE:
            return
        kept = {variant.sku for variant in content.variants}
        if gone := [variant.sku for variant in self.variants if variant.sku not in kept]:
            raise VariantPublished(f"{', '.join(gone[:10])} was for sale: retire it instead")


def _shallow(content: ProductContent) -> dict[str, Any]:
    return {name: getattr(content, name) for name in _FIELDS}


def _prices_of(variant: Variant) -> Prices:
    return variant.price, variant.prices


def _current(variants: Iterable[Variant], now: datetime) -> tuple[tuple[Sku, Money], ...]:
    return tuple(
        (v.sku, v.price_list.price_of(1, v.price.currency, now) or v.price) for v in variants
    )


def _changed_fields(earlier: ProductContent, later: ProductContent) -> tuple[str, ...]:
    """
    Return the names of the fields that differ, apart from prices.
    """
    one, other = _shallow(earlier), _shallow(later)
    one["variants"] = _without_prices(earlier.variants)
    other["variants"] = _without_prices(later.variants)
    return tuple(name for name, value in one.items() if value != other[name])


def _without_prices(variants: Iterable[Variant]) -> list[tuple[object, ...]]:
    return [(v.sku, v.gtin, v.weight_grams, v.attributes, v.retired) for v in variants]
