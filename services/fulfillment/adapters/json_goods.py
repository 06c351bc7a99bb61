"""Goods as JSON in a row."""

from collections.abc import Iterable, Sequence

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.domain.values import Goods


def goods_from_json(goods: Iterable[tuple[str, int]]) -> tuple[Goods, ...]:
    return tuple(Goods(Sku(sku), Quantity(units)) for sku, units in goods)


def json_from_goods(goods: Sequence[Goods]) -> list[tuple[str, int]]:
    return [(some.sku, some.quantity.units) for some in goods]
