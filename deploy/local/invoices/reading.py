"""Invoice lines, read from CSV files as they were published."""

import csv
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from deploy.local.errors import LocalError

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)


class DataUnreadable(LocalError):
    """
    There are no invoices where we were told to look, or they are no invoices.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """
    One row.

    Attributes:
        customer: Empty for an anonymous sale.
    """

    invoice: str
    code: str
    description: str
    quantity: int
    date: datetime
    price: Decimal
    customer: str
    country: str


def files_in(path: Path) -> list[Path]:
    """
    Return the invoice files at *path*: itself, or all `.csv` and `.csv.xz` in it, by name.

    Raises:
        DataUnreadable: There are none.
    """
    files = sorted(f for f in path.iterdir() if is_data(f)) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise DataUnreadable(
            f"{path} holds no invoices: give a .csv or .csv.xz file, or a folder of them, with the"
            f" columns {', '.join(COLUMNS)}"
        )
    return files


def is_data(file: Path) -> bool:
    return file.name.endswith((".csv", ".csv.xz"))


def lines_of(file: Path) -> Iterator[InvoiceLine]:
    """
    Yield the lines of *file*, in order.

    Raises:
        DataUnreadable: A row makes no sense; says which.
    """
    try:
        with opened(file) as text:
            rows = csv.DictReader(text)
            if missing := set(COLUMNS) - set(rows.fieldnames or ()):
                raise DataUnreadable(f"{file} has no column {', '.join(sorted(missing))}")
            for row in rows:
                try:
                    yield line_from_row(row)
                except (ValueError, InvalidOperation, TypeError) as error:
                    raise DataUnreadable(
                        f"{file}, line {rows.line_num}, makes no sense: {error}"
                    ) from None
    except (OSError, UnicodeDecodeError, lzma.LZMAError) as error:
        raise DataUnreadable(f"{file} cannot be read: {error}") from None


def opened(file: Path) -> TextIO:
    if file.suffix == ".xz":
        return lzma.open(file, "rt", encoding="utf-8", newline="")
    return file.open(encoding="utf-8", newline="")


def line_from_row(row: dict[str, str]) -> InvoiceLine:
    return InvoiceLine(
        invoice=row["InvoiceNo"].strip(),
        code=row["StockCode"].strip(),
        description=row["Description"].strip(),
        quantity=int(row["Quantity"]),
        date=datetime.fromisoformat(row["InvoiceDate"]),
        price=Decimal(row["UnitPrice"]),
        # It is written as a float: 17850.0
        customer=row["CustomerID"].strip().removesuffix(".0"),
        country=row["Country"].strip(),
    )
