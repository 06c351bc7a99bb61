"""
What each cancellation becomes: returns of goods that the same customer has ordered earlier.

The data do not say which invoice a cancellation takes back. A line of one is matched with orders of
this customer, no younger than itself, in which the goods are and of which some are not back yet:
those at the same price before others, later ones before earlier ones, several if one is not enough.
What comes back of one order by one cancellation is one return.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from deploy.local.invoices.accounts import Accounts
from deploy.local.invoices.codes import DISCOUNT_CODES, SHIPPING_CODES, why_no_product
from deploy.local.invoices.invoice_order import InvoiceOrder, InvoiceReturn
from deploy.local.invoices.reading import InvoiceLine


@dataclass(slots=True, kw_only=True)
class _Purchase:
    """
    The units of one SKU in one order.

    Attributes:
        left: How many are not back yet.
        prices: Of one unit, in minor units: an order may have several lines of a SKU.
    """

    invoice: str
    date: datetime
    left: int
    prices: set[int]


def map_returns(
    cancellations: Iterable[Sequence[InvoiceLine]],
    orders: Iterable[InvoiceOrder],
    unordered: Iterable[InvoiceLine],
    accounts: Accounts,
) -> Sequence[InvoiceReturn]:
    """
    Return what *cancellations* give back of *orders*, oldest first, and account for the rest.

    Args:
        unordered: Lines of invoices that became no order.
    """
    matching = _Matching(orders, unordered)
    returns: list[InvoiceReturn] = []
    for lines in sorted(cancellations, key=lambda lines: (lines[0].date, lines[0].invoice)):
        back: dict[str, Counter[str]] = defaultdict(Counter)
        reasons: Counter[str] = Counter()
        for line in lines:
            if reason := _why_nothing_back(line):
                reasons[reason] += 1
            else:
                _match(line, matching, back, reasons, accounts)
        accounts.skipped_lines += reasons
        if not back:
            accounts.skipped_invoices[reasons.most_common(1)[0][0]] += 1
            continue
        accounts.cancellations += 1
        returns += (
            InvoiceReturn(
                cancellation=lines[0].invoice,
                invoice=invoice,
                account_id=f"customer-{lines[0].customer}",
                units=tuple(sorted(units.items())),
            )
            for invoice, units in sorted(back.items())
        )
    accounts.returns = len(returns)
    return returns


def _why_nothing_back(line: InvoiceLine) -> str:
    """
    Say why *line* of a cancellation gives no goods back; nothing if it may.
    """
    code = line.code.upper()
    if code in SHIPPING_CODES:
        return "cancelled: postage"
    if code in DISCOUNT_CODES:
        return "cancelled: discount"
    if reason := why_no_product(code):
        return f"cancelled: {reason}"
    if line.quantity >= 0:
        return "cancelled: nothing, the quantity is not negative"
    return ""


def _match(
    line: InvoiceLine,
    matching: "_Matching",
    back: dict[str, Counter[str]],
    reasons: Counter[str],
    accounts: Accounts,
) -> None:
    """
    Put into *back* what *line* gives back, by invoice and SKU.
    """
    wanted = left = -line.quantity
    for purchase in matching.purchases(line):
        units = min(left, purchase.left)
        if not units:
            break
        purchase.left -= units
        back[purchase.invoice][line.code.upper()] += units
        left -= units
    accounts.cancelled_units += wanted
    accounts.returned_units += wanted - left
    if left:
        accounts.unmatched_units[matching.why_not(line)] += left
    if left == wanted:
        reasons[matching.why_not(line)] += 1
        return
    accounts.mapped_lines["returned"] += 1
    if left:
        accounts.notes["cancelled lines of which some units only were bought"] += 1


class _Matching:
    """
    What every customer has ordered.
    """

    def __init__(self, orders: Iterable[InvoiceOrder], unordered: Iterable[InvoiceLine]) -> None:
        bought: dict[tuple[str, str], dict[str, _Purchase]] = defaultdict(dict)
        for order in orders:
            for line in order.lines:
                purchase = bought[order.account_id, line.sku].setdefault(
                    order.invoice,
                    _Purchase(invoice=order.invoice, date=order.date, left=0, prices=set()),
                )
                purchase.left += line.quantity.units
                purchase.prices.add(line.price.minor_units)
        self._bought = bought
        self._unordered = {
            (f"customer-{line.customer}", line.code.upper())
            for line in unordered
            if line.quantity > 0
        }

    def purchases(self, line: InvoiceLine) -> Sequence[_Purchase]:
        """
        Return the orders that *line* may give goods back of, the likeliest first.
        """
        if not line.customer:
            return ()
        price = line.price * 100
        return sorted(
            (each for each in self._of(line) if each.left and each.date <= line.date),
            key=lambda each: (_near(price, each.prices), each.date, each.invoice),
            reverse=True,
        )

    def why_not(self, line: InvoiceLine) -> str:
        """
        Say why there is nothing left that *line* could give back.
        """
        if not line.customer:
            return "cancelled: by nobody who is known"
        earlier = [each for each in self._of(line) if each.date <= line.date]
        if earlier:
            return "cancelled: more than was bought, or it is back already"
        if self._of(line):
            return "cancelled: bought only later"
        if (f"customer-{line.customer}", line.code.upper()) in self._unordered:
            return "cancelled: its invoice became no order"
        return "cancelled: never bought, as far as the data go"

    def _of(self, line: InvoiceLine) -> Sequence[_Purchase]:
        found = self._bought.get((f"customer-{line.customer}", line.code.upper()), {})
        return tuple(found.values())


def _near(price: Decimal, prices: set[int]) -> bool:
    # A price finer than a penny was rounded on the order.
    return any(abs(price - each) < 1 for each in prices)
