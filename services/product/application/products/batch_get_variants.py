"""Use case: what order lines need to know of what they order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.application.ports.products import SoldVariant
from services.product.application.ports.transaction import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchGetVariants:
    """
    Attributes:
        currency: In which to tell prices; empty: in each variant's own.
    """

    skus: Sequence[Sku]
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    What a variant costs now.

    Attributes:
        price: Of one unit.
        breaks: Of one unit if so many are bought: ever more units, ever cheaper.
    """

    sku: Sku
    title: str
    price: Money
    breaks: tuple[tuple[int, Money], ...] = ()


async def batch_get_variants(
    query: BatchGetVariants, *, uow: UnitOfWork, clock: Clock
) -> Sequence[Offer]:
    """
    Return those of the variants that can be ordered now, and in the currency.
    """
    async with uow() as tx:
        sold = await tx.products.sold_variants(query.skus)
    now = clock()
    offers = (_offer(variant, query.currency, now) for variant in sold)
    return [offer for offer in offers if offer is not None]


def _offer(variant: SoldVariant, currency: str, now: datetime) -> Offer | None:
    currency = currency or variant.prices.standing.currency
    breaks = variant.prices.breaks(currency, now)
    if not breaks or breaks[0][0] > 1:
        # One unit has no price.
        return None
    (_, price), *others = breaks
    return Offer(sku=variant.sku, title=variant.title, price=price, breaks=tuple(others))
