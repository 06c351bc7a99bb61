"""Products in a CSV file: rows with one handle are the variants of one product."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from pathlib import Path

from google.protobuf.field_mask_pb2 import FieldMask

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import MOST_MINOR_UNITS, Money, decimals_of
from chassis.rpc.money import money_to_wire
from deploy.local.errors import LocalError
from retail.product.v1 import product_service_pb2 as pb

REQUIRED = ("handle", "title", "sku", "price", "currency")
OPTIONAL = ("description", "category", "gtin", "weight_grams", "media", "retired", "publish")
# What each column is about, in products that are there already. What no column is about stays as
# it is.
FIELDS = {
    "title": ("title",),
    "sku": ("variants",),
    "description": ("description",),
    "category": ("category_ids",),
    "gtin": ("variants.gtin",),
    "weight_grams": ("variants.weight_grams",),
    "media": ("media",),
    "retired": ("variants.retired",),
}
OF_ATTRIBUTES = ("attributes", "variants.attributes")
# What a file of refused rows says besides: it can be corrected and imported.
REFUSED = ("line", "reason", "message")
ATTRIBUTE = "attribute:"
MOST_ROWS = 1_000_000
MOST_CHARACTERS = 100_000

YES = {"yes", "true", "1"}
NO = {"", "no", "false", "0"}

Names = tuple[str, ...]


class FileUnreadable(LocalError):
    """
    A file is no list of products.
    """


class RowRefused(Exception):
    """
    A row says something that no product can be.
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """
    A row, and the line of the file on which it begins.
    """

    line: int
    cells: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class FileProduct:
    """
    All rows with one handle, in the order of the file.
    """

    handle: str
    rows: list[FileRow] = field(default_factory=list)

    @property
    def categories(self) -> Sequence[Names]:
        """
        The paths of names of its categories: "Lighting > Lamps; Sale" has two.
        """
        said = self._one("category").split(";")
        paths = (tuple(name.strip() for name in path.split(">")) for path in said if path.strip())
        return list(dict.fromkeys(paths))

    def to_wire(self, category_ids: Mapping[Names, str]) -> pb.ImportedProduct:
        """
        Raises:
            RowRefused: It makes no product.
        """
        common = self._common_attributes()
        return pb.ImportedProduct(
            handle=self.handle,
            title=self._one("title"),
            description=self._one("description"),
            variants=[variant_of(row, leave_out=common) for row in self.rows],
            category_ids=[category_ids[path] for path in self.categories],
            attributes=common,
            media=[pb.Media(uri=uri) for uri in self._one("media").split()],
            publish=flag_of(self._one("publish"), "publish"),
        )

    def _one(self, column: str) -> str:
        said = {row.cells.get(column, "") for row in self.rows} - {""}
        if len(said) > 1:
            raise RowRefused("ROWS_DIFFER", f"the rows of {self.handle!r} differ in {column}")
        return said.pop() if said else ""

    def _common_attributes(self) -> dict[str, str]:
        first, *others = (attributes_of(row) for row in self.rows)
        return {k: v for k, v in first.items() if all(each.get(k) == v for each in others)}


def fields_of(products: Sequence[FileProduct]) -> FieldMask:
    """
    Return which fields of products the file of *products* has columns for.
    """
    columns = products[0].rows[0].cells
    of_attributes = any(column.startswith(ATTRIBUTE) for column in columns)
    paths = [path for column in columns for path in FIELDS.get(column, ())]
    return FieldMask(paths=[*paths, *(OF_ATTRIBUTES if of_attributes else ())])


def products_in(file: Path) -> Sequence[FileProduct]:
    """
    Return the products of *file*; rows without a handle as a product of an empty one.

    Raises:
        FileUnreadable: It is not there, or no UTF-8, or no CSV with the columns there must be.
    """
    products: dict[str, FileProduct] = {}
    for row in rows_of(file):
        handle = row.cells["handle"]
        products.setdefault(handle, FileProduct(handle=handle)).rows.append(row)
    if not products:
        raise FileUnreadable(f"{file} has no rows")
    return list(products.values())


def rows_of(file: Path) -> Iterator[FileRow]:
    csv.field_size_limit(MOST_CHARACTERS)
    number = 0
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            columns = columns_of(next(reader, []), file)
            begins = reader.line_num + 1
            for number, cells in enumerate(reader, start=1):
                if number > MOST_ROWS:
                    raise FileUnreadable(f"{file} has more than {MOST_ROWS:,} rows: split it")
                if cells and len(cells) != len(columns):
                    raise FileUnreadable(
                        f"{file}, line {begins}: {len(cells)} cells, but {len(columns)} columns"
                    )
                if cells:
                    said = (cell.strip() for cell in cells)
                    yield FileRow(line=begins, cells=dict(zip(columns, said, strict=True)))
                begins = reader.line_num + 1
    except OSError as error:
        raise FileUnreadable(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(
            f"{file} is no UTF-8 (after row {number:,}): save it as “CSV UTF-8”"
        ) from error
    except csv.Error as error:
        raise FileUnreadable(f"{file}, line {reader.line_num}: {error}") from error


def columns_of(header: Sequence[str], file: Path) -> Sequence[str]:
    columns = [column.strip() for column in header]
    if not any(columns):
        raise FileUnreadable(f"{file} is empty: its first line names the columns")
    if len(columns) == 1 and columns[0].count(";") >= len(REQUIRED) - 1:
        raise FileUnreadable(f"{file} has semicolons between its cells: save it with commas")
    if missing := [column for column in REQUIRED if column not in columns]:
        raise FileUnreadable(f"{file} has no column {', '.join(missing)}")
    known = {*REQUIRED, *OPTIONAL, *REFUSED}
    unknown = [c for c in columns if c not in known and not c.startswith(ATTRIBUTE)]
    if unknown:
        raise FileUnreadable(f"{file} has an unknown column {', '.join(map(repr, unknown))}")
    if len(set(columns)) < len(columns):
        raise FileUnreadable(f"{file} has a column twice")
    return columns


def variant_of(row: FileRow, *, leave_out: Mapping[str, str]) -> pb.Variant:
    cells = row.cells
    try:
        weight = int(cells.get("weight_grams") or 0)
        variant = pb.Variant(weight_grams=weight, price=money_to_wire(money_of(cells)))
    except ValueError:
        raise RowRefused(
            "WEIGHT_MALFORMED", f"{cells['weight_grams']!r} is no weight in grams"
        ) from None
    variant.sku = cells["sku"]
    variant.gtin = cells.get("gtin", "")
    variant.retired = flag_of(cells.get("retired", ""), "retired")
    variant.attributes.update(
        {name: value for name, value in attributes_of(row).items() if name not in leave_out}
    )
    return variant


def money_of(cells: Mapping[str, str]) -> Money:
    """
    Raises:
        RowRefused: The row has no price.
    """
    said = f"{cells['price']} {cells['currency']}"
    refusal = RowRefused("PRICE_MALFORMED", f"{said[:40]!r} is no price such as 19.99 EUR")
    try:
        minor_units = Decimal(cells["price"]).scaleb(decimals_of(cells["currency"]))
        # First, as "1e999990" would take a minute to become an integer.
        if not 0 < minor_units <= MOST_MINOR_UNITS:
            raise refusal
        price = Money(int(minor_units), cells["currency"])
    except (DecimalException, InvalidInput):
        raise refusal from None
    if price.minor_units != minor_units:
        raise refusal
    return price


def attributes_of(row: FileRow) -> dict[str, str]:
    return {
        column.removeprefix(ATTRIBUTE): cell
        for column, cell in row.cells.items()
        if column.startswith(ATTRIBUTE) and cell
    }


def flag_of(text: str, column: str) -> bool:
    if text.lower() not in YES | NO:
        raise RowRefused(f"{column.upper()}_MALFORMED", f"{column} is yes or no, not {text[:20]!r}")
    return text.lower() in YES
