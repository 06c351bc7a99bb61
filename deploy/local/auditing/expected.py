"""What each invoice comes to, by the file alone."""

from collections import Counter, defaultdict
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from deploy.local.invoices.invoice_order import InvoiceOrder, InvoiceReturn
from deploy.local.invoices.mapping import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """
    One invoice, sold and paid, and what came back of it. Money is in minor units.

    Attributes:
        units: That were sold, by SKU.
        returns: Units that come back, by the id of their return and by SKU.
    """

    invoice: str
    account_id: str
    units: Map[str, int]
    charged: int
    returns: Map[str, Map[str, int]]
    refunded: int

    @property
    def returned(self) -> Map[str, int]:
        """
        Units that come back by all returns, by SKU.
        """
        units: Counter[str] = Counter()
        for each in self.returns.values():
            units.update(each)
        return units


def expected_of(mapping: Mapping) -> Sequence[Expected]:
    """
    Return what every invoice that became an order comes to.
    """
    returns: dict[str, list[InvoiceReturn]] = defaultdict(list)
    for each in mapping.returns:
        returns[each.invoice].append(each)
    return [_expected(order, returns[order.invoice]) for order in mapping.orders]


def _expected(order: InvoiceOrder, returns: Sequence[InvoiceReturn]) -> Expected:
    units: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for line in order.lines:
        units[line.sku] += line.quantity.units
    for each in returns:
        back.update(dict(each.units))
    items = sum(line.price.minor_units * line.quantity.units for line in order.lines)
    shipping, discount = order.shipping.minor_units, order.discount.minor_units
    return Expected(
        invoice=order.invoice,
        account_id=order.account_id,
        units=units,
        charged=items + shipping - discount,
        returns={str(each.return_id): dict(each.units) for each in returns},
        refunded=_refund(order, back, items=items, goods=max(items - discount, 0)),
    )


def _refund(order: InvoiceOrder, back: Map[str, int], *, items: int, goods: int) -> int:
    """
    Return what is paid back for the units that came *back*.

    Args:
        items: What the goods cost before the discount.
        goods: What was charged for them.
    """
    if not items:
        return 0
    left = Counter(back)
    value = Fraction(0)
    for line in order.lines:
        units = min(left[line.sku], line.quantity.units)
        left[line.sku] -= units
        value += units * line.price.minor_units
    return floor(value * Fraction(goods, items))
