"""Carts as their owners see them: at today's prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chassis.kernel.errors import DomainError
from chassis.kernel.text import Sku
from services.order.application.ports import Catalog
from services.order.domain.cart import Cart
from services.order.domain.sold_variant import SoldVariant


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCart:
    """
    A cart, and what is sold today of what is in it.
    """

    cart: Cart
    sold: Mapping[Sku, SoldVariant]


async def shown(
    answers: Sequence[Cart | DomainError], catalog: Catalog
) -> Sequence[ShownCart | DomainError]:
    """
    Return *answers* with today's prices, for which the catalog is asked once.
    """
    skus = {sku for answer in answers if isinstance(answer, Cart) for sku in answer.items}
    sold = await catalog.sold(sorted(skus)) if skus else {}
    return [
        ShownCart(cart=answer, sold=sold) if isinstance(answer, Cart) else answer
        for answer in answers
    ]


async def shown_one(answer: Cart | DomainError, catalog: Catalog) -> ShownCart:
    """
    Return a cart with today's prices, or raise the refusal that there is instead.
    """
    (cart,) = await shown([answer], catalog)
    if isinstance(cart, DomainError):
        raise cart
    return cart
