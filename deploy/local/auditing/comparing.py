"""The differences between a file and the databases, and what both come to in all."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deploy.local.auditing.expected import Expected
from deploy.local.auditing.found import Found

# An order that came to nothing: there is nothing of it to compare.
UNSOLD = {"REJECTED", "CANCELLED"}


@dataclass(frozen=True, slots=True)
class Difference:
    invoice: str
    what: str
    file: str
    databases: str

    def __str__(self) -> str:
        return f"{self.invoice}: {self.what}: {self.file} by the file, {self.databases} found"


@dataclass(slots=True)
class Audit:
    """
    Attributes:
        file: What the file says in all, of what was sold; `databases` likewise.
        unsold: Invoices whose order came to nothing, by status and reason.
        differences: What is not the same, however small.
    """

    file: Counter[str] = field(default_factory=Counter)
    databases: Counter[str] = field(default_factory=Counter)
    unsold: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list[Difference])


def compare(expected: Sequence[Expected], found: Mapping[str, Sequence[Found]]) -> Audit:
    """
    Hold every invoice beside its order.
    """
    audit = Audit()
    for each in expected:
        orders = found.get(each.invoice, ())
        if len(orders) != 1:
            audit.differences.append(Difference(each.invoice, "orders", "1", f"{len(orders)}"))
            audit.file += _by_file(each)
            continue
        (order,) = orders
        if order.status in UNSOLD:
            audit.unsold[f"{order.status} {order.reason}".strip()] += 1
            audit.differences += _unsold(each.invoice, order)
        else:
            audit.differences += _different(each, order)
            audit.file += _by_file(each)
        audit.databases += _by_databases(order)
    return audit


def _different(each: Expected, order: Found) -> Iterator[Difference]:
    if order.status != "COMPLETED":
        yield Difference(each.invoice, "status", "COMPLETED", order.status)
    yield from _units(each.invoice, "units ordered", each.units, order.ordered)
    yield from _units(each.invoice, "units shipped", each.units, order.shipped)
    yield from _units(each.invoice, "units booked out", each.units, order.booked_out)
    yield from _money(each.invoice, "captured", each.charged, order.captured)
    yield from _money(each.invoice, "refunded", each.refunded, order.refunded)
    for return_id in each.returns.keys() | order.returns.keys():
        what = f"return {return_id}"
        wanted, come = each.returns.get(return_id), order.returns.get(return_id)
        if wanted is None or come is None:
            yield Difference(
                each.invoice, what, "none" if come else "one", "one" if come else "none"
            )
            continue
        if come.state != "CLOSED":
            yield Difference(each.invoice, what, "CLOSED", come.state)
        yield from _units(each.invoice, f"{what}, units", wanted, come.units)
        yield from _units(each.invoice, f"{what}, restocked", wanted, come.restocked)
        yield from _money(each.invoice, f"{what}, noted and paid", come.noted, come.paid)


def _unsold(invoice: str, order: Found) -> Iterator[Difference]:
    """
    Whatever became of an order that came to nothing, no goods and no money have moved.
    """
    nothing: dict[str, int] = {}
    yield from _units(invoice, "units shipped, unsold", nothing, order.shipped)
    yield from _units(invoice, "units booked out, unsold", nothing, order.booked_out)
    yield from _money(invoice, "captured, unsold", 0, order.captured)
    yield from _money(invoice, "refunded, unsold", 0, order.refunded)
    if order.returns:
        yield Difference(invoice, "returns, unsold", "0", f"{len(order.returns)}")


def _units(
    invoice: str, what: str, file: Mapping[str, int], databases: Mapping[str, int]
) -> Iterator[Difference]:
    for sku in sorted(file.keys() | databases.keys()):
        here, there = file.get(sku, 0), databases.get(sku, 0)
        if here != there:
            yield Difference(invoice, f"{what} of {sku}", f"{here:,}", f"{there:,}")


def _money(invoice: str, what: str, file: int, databases: int) -> Iterator[Difference]:
    if file != databases:
        yield Difference(invoice, what, money(file), money(databases))


def _by_file(each: Expected) -> Counter[str]:
    back = sum(each.returned.values())
    units = sum(each.units.values())
    return Counter(
        {
            "orders": 1,
            "units ordered": units,
            "units shipped": units,
            "units booked out": units,
            "money captured": each.charged,
            "returns": len(each.returns),
            "units returned": back,
            "units restocked": back,
            "money refunded": each.refunded,
        }
    )


def _by_databases(order: Found) -> Counter[str]:
    returns = order.returns.values()
    sold = order.status not in UNSOLD
    return Counter(
        {
            "orders": int(sold),
            "units ordered": order.ordered.total() if sold else 0,
            "units shipped": order.shipped.total(),
            "units booked out": order.booked_out.total(),
            "money captured": order.captured,
            "returns": len(returns),
            "units returned": sum(each.units.total() for each in returns),
            "units restocked": sum(each.restocked.total() for each in returns),
            "money refunded": order.refunded,
        }
    )


def money(minor_units: int) -> str:
    sign = "-" if minor_units < 0 else ""
    whole, rest = divmod(abs(minor_units), 100)
    return f"{sign}{whole:,}.{rest:02}"
