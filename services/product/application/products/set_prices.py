"""Use case: variants have other prices from now on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError, NotFound
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.price import Price, Prices
from services.product.domain.values import ProductId
from services.product.domain.variant import Variant


class SkuUnknown(NotFound):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPrices:
    """
    All prices of one variant.
    """

    sku: Sku
    price: Money
    prices: tuple[Price, ...]


async def set_prices(
    commands: Sequence[SetPrices], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Variant | DomainError]:
    """
    Replace the prices of variants, and answer each with the variant; of several entries for one
    SKU the last one holds.

    Safe to repeat: the same prices again change nothing.
    """
    now = clock()
    async with uow() as tx:
        products = await tx.products.lock_skus({command.sku for command in commands})
        owner = {variant.sku: product for product in products for variant in product.variants}
        wanted: dict[ProductId, dict[Sku, Prices]] = defaultdict(dict)
        for command in commands:
            if command.sku in owner:
                wanted[owner[command.sku].id][command.sku] = (command.price, command.prices)
        answers: dict[Sku, Variant | DomainError] = {}
        for product in products:
            prices = wanted[product.id]
            try:
                product.set_prices(prices, now=now)
            except DomainError as refusal:
                answers |= dict.fromkeys(prices, refusal)
            else:
                answers |= {v.sku: v for v in product.variants if v.sku in prices}
        await tx.products.save_many(products)
    return [
        answers.get(command.sku) or SkuUnknown(f"no product has the SKU {command.sku}")
        for command in commands
    ]
