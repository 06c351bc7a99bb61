"""What became of everything that was read."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Accounts:
    """
    Attributes:
        orders: How many invoices became an order.
        cancellations: How many became returns; `returns` are more if goods of several orders came
            back at once.
        mapped_lines: Lines that are in an order or a return: as goods, as shipping, as discount,
            as returned.
        skipped_lines: Lines that are not, by reason; `skipped_invoices` likewise.
        cancelled_units: Units of goods on cancellations; of those, so many are in returns and, by
            reason, so many are not.
        notes: What was changed on the way, and how often.
    """

    lines: int = 0
    invoices: int = 0
    orders: int = 0
    cancellations: int = 0
    returns: int = 0
    mapped_lines: Counter[str] = field(default_factory=Counter)
    skipped_lines: Counter[str] = field(default_factory=Counter)
    skipped_invoices: Counter[str] = field(default_factory=Counter)
    cancelled_units: int = 0
    returned_units: int = 0
    unmatched_units: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def must_add_up(self) -> None:
        """
        Raises:
            AssertionError: Something was dropped, or counted twice.
        """
        lines = self.mapped_lines.total() + self.skipped_lines.total()
        assert lines == self.lines, f"{self.lines} lines were read, {lines} are accounted for"
        invoices = self.orders + self.cancellations + self.skipped_invoices.total()
        assert invoices == self.invoices, (
            f"{self.invoices} invoices were read, {invoices} are accounted for"
        )
        units = self.returned_units + self.unmatched_units.total()
        assert units == self.cancelled_units, (
            f"{self.cancelled_units} units were cancelled, {units} are accounted for"
        )
