"""Settlement reports in CSV files, as `make psp DO="settle --out FILE"` writes them."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from chassis.rpc.money import money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from deploy.local.errors import LocalError
from retail.payment.v1 import reconciliation_service_pb2 as pb

COLUMNS = (
    "row_id",
    "kind",
    "source_id",
    "transaction_id",
    "currency",
    "gross",
    "fee",
    "net",
    "create_time",
)


class FileUnreadable(LocalError):
    """
    A file is no settlement report; the text says where and why.
    """


@dataclass(frozen=True, slots=True)
class Extent:
    """
    How many rows a file has, and from when to when they are.
    """

    rows: int
    earliest: datetime
    latest: datetime


def extent_of(file: Path) -> Extent:
    """
    Raises:
        FileUnreadable: It is no settlement report, or has no rows.
    """
    count, earliest, latest = 0, datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    for row in rows_in(file):
        moment = row.create_time.ToDatetime(UTC)
        count, earliest, latest = count + 1, min(earliest, moment), max(latest, moment)
    if not count:
        raise FileUnreadable(f"{file} has no rows")
    return Extent(count, earliest, latest)


def name_of(file: Path) -> str:
    """
    Return what the report in *file* is called: another one in a file of the same name is another.
    """
    with file.open("rb") as content:
        return f"{file.name}#{hashlib.file_digest(content, 'sha256').hexdigest()[:8]}"


def rows_in(file: Path) -> Iterator[pb.SettlementRow]:
    """
    Yield the rows of *file*, without keeping them.

    Raises:
        FileUnreadable: It cannot be read; names the line.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise FileUnreadable(f"{file} lacks the columns {', '.join(missing)}")
            for cells in reader:
                yield _row(cells, f"{file}, line {reader.line_num}")
    except (OSError, UnicodeError, csv.Error) as error:
        raise FileUnreadable(f"{file}: {error}") from None


def _row(cells: dict[str, str], where: str) -> pb.SettlementRow:
    try:
        created = datetime.fromisoformat(cells["create_time"])
        return pb.SettlementRow(
            row_id=cells["row_id"],
            kind=f"SETTLEMENT_ROW_KIND_{cells['kind']}",
            source_id=cells["source_id"],
            transaction_id=cells["transaction_id"],
            create_time=timestamp_to_wire(created.replace(tzinfo=created.tzinfo or UTC)),
            **{
                name: money_to_wire(Money(int(cells[name]), cells["currency"]))
                for name in ("gross", "fee", "net")
            },
        )
    except (ValueError, TypeError, InvalidInput) as error:
        raise FileUnreadable(f"{where}: {error}") from None
