"""
What each invoice becomes: a BUSINESS order with agreed prices, a cancellation returns of what was
ordered, or a reason why not.

Nothing is dropped silently: every line that was read ends up in an order or a return, or is counted
under the reason why it did not, and so does every invoice.
"""

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from chassis.kernel.money import Money
from chassis.kernel.quantity import MOST_UNITS, Quantity
from deploy.local.invoices.accounts import Accounts
from deploy.local.invoices.codes import DISCOUNT_CODES, SHIPPING_CODES, why_no_product
from deploy.local.invoices.countries import NOWHERE, code_of
from deploy.local.invoices.invoice_order import (
    ANONYMOUS,
    CURRENCY,
    InvoiceOrder,
    InvoiceReturn,
    WantedLine,
)
from deploy.local.invoices.reading import InvoiceLine
from deploy.local.invoices.returns import map_returns
from deploy.local.world.catalogue import NewProduct

MOST_LINES = 2_000

_SKU = re.compile(r"[A-Z0-9\-_./]{1,64}")


@dataclass(frozen=True, slots=True)
class Mapping:
    """
    Orders, oldest first, what comes back of them, and the catalogue that they need.
    """

    orders: Sequence[InvoiceOrder]
    returns: Sequence[InvoiceReturn]
    products: Sequence[NewProduct]
    accounts: Accounts

    @property
    def units(self) -> Counter[str]:
        units: Counter[str] = Counter()
        for order in self.orders:
            for line in order.lines:
                units[line.sku] += line.quantity.units
        return units


class _Skipped(Exception):
    """
    The invoice becomes no order; the message is the reason.
    """


def map_invoices(lines: Iterable[InvoiceLine], *, limit: int | None = None) -> Mapping:
    """
    Map the invoices on *lines*; with *limit*, the first so many.
    """
    invoices: dict[str, list[InvoiceLine]] = {}
    for line in lines:
        if line.invoice in invoices or limit is None or len(invoices) < limit:
            invoices.setdefault(line.invoice, []).append(line)

    accounts = Accounts(lines=sum(map(len, invoices.values())), invoices=len(invoices))
    orders: list[InvoiceOrder] = []
    sold: dict[str, list[InvoiceLine]] = defaultdict(list)
    cancellations = [lines for number, lines in invoices.items() if number.startswith("C")]
    unordered: list[InvoiceLine] = []
    for number, invoice in invoices.items():
        if number.startswith("C"):
            continue
        draft = _Draft(invoice)
        try:
            order = draft.order()
        except _Skipped as skipped:
            reason = str(skipped)
            accounts.skipped_invoices[reason] += 1
            # What was fit for an order is skipped for the sake of the whole invoice.
            accounts.skipped_lines[reason] += draft.mapped.total()
            accounts.skipped_lines += draft.skipped
            unordered += invoice
            continue
        orders.append(order)
        accounts.mapped_lines += draft.mapped
        accounts.skipped_lines += draft.skipped
        accounts.notes += draft.notes
        for line in draft.goods:
            sold[line.code.upper()].append(line)
    accounts.orders = len(orders)
    orders.sort(key=lambda order: (order.date, order.invoice))
    returns = map_returns(cancellations, orders, unordered, accounts)
    accounts.must_add_up()
    products = [_product(sku, lines, accounts) for sku, lines in sorted(sold.items())]
    return Mapping(orders, returns, products, accounts)


class _Draft:
    """
    One invoice on its way to become an order.
    """

    def __init__(self, lines: Sequence[InvoiceLine]) -> None:
        self.mapped: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.goods: list[InvoiceLine] = []
        self._lines = lines
        self._shipping = self._discount = Money(0, CURRENCY)

    def order(self) -> InvoiceOrder:
        first = self._lines[0]
        self._must_be_ordinary(first.invoice)
        for line in self._lines:
            self._sort(line)
        if not self.goods:
            main = self.skipped.most_common(1)
            raise _Skipped(main[0][0] if main else "nothing on it but postage and discount")
        if len(self.goods) > MOST_LINES:
            raise _Skipped(f"the invoice has more than {MOST_LINES:,} lines")
        country_code = code_of(first.country)
        if country_code == NOWHERE:
            self.notes[f"invoices whose country is {NOWHERE}: {first.country or 'none'}"] += 1
        order = InvoiceOrder(
            invoice=first.invoice,
            date=min(line.date for line in self._lines),
            account_id=f"customer-{first.customer}" if first.customer else ANONYMOUS,
            country_code=country_code,
            lines=tuple(self._wanted(line) for line in self.goods),
            shipping=self._shipping,
            discount=self._discount,
        )
        if order.total.minor_units < 0:
            raise _Skipped("the discount is more than the rest of the invoice")
        if order.total.minor_units == 0:
            raise _Skipped("nothing to pay on the invoice")
        return order

    def _must_be_ordinary(self, number: str) -> None:
        reason = ""
        if number.startswith("A"):
            reason = "bad debt (later: adjustments)"
        elif not number.isdigit():
            reason = "no ordinary invoice"
        if reason:
            self.skipped[reason] += len(self._lines)
            raise _Skipped(reason)

    def _sort(self, line: InvoiceLine) -> None:
        code = line.code.upper()
        if code in SHIPPING_CODES and line.quantity > 0 and line.price >= 0:
            self.mapped["shipping"] += 1
            self._shipping += self._amount(line) * Quantity(line.quantity)
        elif code in DISCOUNT_CODES and line.quantity < 0 and line.price >= 0:
            self.mapped["discount"] += 1
            self._discount += self._amount(line) * Quantity(-line.quantity)
        elif reason := _why_no_goods(line, code):
            self.skipped[reason] += 1
        else:
            self.mapped["goods"] += 1
            self.goods.append(line)

    def _wanted(self, line: InvoiceLine) -> WantedLine:
        if line.code != line.code.upper():
            self.notes["lines whose code was put in capitals"] += 1
        price = self._amount(line)
        if not price.minor_units:
            self.notes["lines of goods that are free"] += 1
        return WantedLine(sku=line.code.upper(), quantity=Quantity(line.quantity), price=price)

    def _amount(self, line: InvoiceLine) -> Money:
        amount = _money(line.price)
        if Decimal(amount.minor_units) / 100 != line.price:
            self.notes["lines whose unit price was rounded half up to the penny"] += 1
        return amount


def _why_no_goods(line: InvoiceLine, code: str) -> str:
    """
    Say why *line* cannot be a line of goods; nothing if it can.
    """
    if code in SHIPPING_CODES | DISCOUNT_CODES:
        return f"{code} of the wrong sign"
    if reason := why_no_product(code):
        return reason
    if line.quantity < 0 and not line.price:
        return "stock write-off (later: stock adjustments)"
    if line.quantity <= 0:
        return "negative quantity on an ordinary invoice"
    if line.price < 0:
        return "negative price"
    if line.quantity > MOST_UNITS:
        return f"more than {MOST_UNITS:,} units"
    if not _SKU.fullmatch(code):
        return "the code is no SKU"
    return ""


def _product(sku: str, lines: Sequence[InvoiceLine], accounts: Accounts) -> NewProduct:
    titles = Counter(line.description for line in lines if line.description)
    prices = [_money(line.price).minor_units for line in lines if line.price]
    price = statistics.median_low(prices) if prices else 0
    if not price:
        # A catalogue price is above zero.
        accounts.notes["products without a price in the data: 0.01"] += 1
    if len(titles) > 1:
        accounts.notes["products with several descriptions: the most frequent is the title"] += 1
    # Of equally frequent ones the first by name, so that every run finds the same.
    title = min(titles, key=lambda title: (-titles[title], title)) if titles else sku
    return NewProduct(title=title, prices={sku: Money(max(price, 1), CURRENCY)})


def _money(amount: Decimal) -> Money:
    return Money(int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP)), CURRENCY)
