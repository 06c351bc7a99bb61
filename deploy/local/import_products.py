"""
Import products from a CSV file into the running cluster.

FILE has the columns handle, title, sku, price and currency, and may have description, category
("Lighting > Lamps", created as needed; several with ";"), gtin, weight_grams, media (https URIs),
publish (yes or no) and any attribute:<name>. Rows with one handle are the variants of one product.

Each product is created, changed, left as it is or refused on its own. Importing again is safe:
after a failure, the same command goes on. Refused rows are written to a file, with the reason.
"""

import csv
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from google.protobuf.field_mask_pb2 import FieldMask

from chassis.rpc.errors import reason_of
from chassis.rpc.server import MOST_MESSAGE_BYTES
from chassis.terminal import print_table
from deploy.local.cluster import load, to_json
from deploy.local.product_files import (
    REFUSED,
    FileProduct,
    Names,
    RowRefused,
    fields_of,
    products_in,
)
from deploy.local.progress import progress
from deploy.local.while_running import while_running
from deploy.local.world.patience import CallRefused, Patience, is_passing
from deploy.local.world.services import Services, services_of
from retail.product.v1 import category_service_pb2 as categories_pb
from retail.product.v1 import product_service_pb2 as pb

MOST_PRODUCTS = 250
# So that no transaction is long.
MOST_VARIANTS = 1_000
# And no message too large: it would be refused as if the service had too much to do, for ever.
MOST_BYTES = MOST_MESSAGE_BYTES // 2
OUTCOMES = ("created", "updated", "unchanged")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedProduct:
    product: FileProduct
    reason: str
    message: str


@dataclass(slots=True)
class Report:
    """
    What an import came to.
    """

    done: Counter[str] = field(default_factory=Counter)
    refused: list[RefusedProduct] = field(default_factory=list)

    def refuse(self, product: FileProduct, reason: str, message: str) -> None:
        self.refused.append(RefusedProduct(product=product, reason=reason, message=message))


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a CSV file in UTF-8")
    parser.add_argument(
        "--refused",
        type=Path,
        metavar="PATH",
        help="where to write refused rows (default: FILE with .refused.csv)",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    products = products_in(arguments.file)
    began = time.monotonic()

    async def work() -> Report:
        async with services_of(cluster) as services:
            return await import_all(products, services, quiet=arguments.json)

    report = await while_running(cluster, work())
    refused_file = arguments.refused or arguments.file.with_suffix(".refused.csv")
    write_refused(report.refused, refused_file)
    summary = summary_of(products, report, time.monotonic() - began)
    if arguments.json:
        print(to_json(summary).decode(), end="")
    else:
        show(summary, refused_file)
    return 0 if report.done.total() else 1


async def import_all(products: Sequence[FileProduct], services: Services, *, quiet: bool) -> Report:
    """
    Import *products*, each on its own.
    """
    patience, report = Patience(), Report()
    category_ids = await categories_for(products, services, patience, report)
    refused = {id(each.product) for each in report.refused}
    entries = list(translated([p for p in products if id(p) not in refused], category_ids, report))
    fields = fields_of(products)
    with progress("products", len(products), quiet=quiet) as tell:
        for batch in batches_of(entries):
            await import_batch(batch, fields, services, patience, report)
            count = report.done.total() + len(report.refused)
            tell(count, f"{report.done['created']:,} created, {len(report.refused):,} refused")
    return report


Entry = tuple[FileProduct, pb.ImportedProduct]


def translated(
    products: Sequence[FileProduct], category_ids: Mapping[Names, str], report: Report
) -> Iterator[Entry]:
    for product in products:
        try:
            wire = product.to_wire(category_ids)
        except RowRefused as refusal:
            report.refuse(product, refusal.reason, str(refusal))
            continue
        if wire.ByteSize() > MOST_BYTES:
            message = f"{product.handle!r} has more than {MOST_BYTES:,} bytes"
            report.refuse(product, "PRODUCT_TOO_LARGE", message)
        else:
            yield product, wire


def batches_of(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    batch: list[Entry] = []
    variants = size = 0
    for entry in entries:
        more, larger = len(entry[1].variants), entry[1].ByteSize()
        is_full = (
            len(batch) == MOST_PRODUCTS
            or variants + more > MOST_VARIANTS
            or size + larger > MOST_BYTES
        )
        if batch and is_full:
            yield batch
            batch, variants, size = [], 0, 0
        batch.append(entry)
        variants += more
        size += larger
    if batch:
        yield batch


async def import_batch(
    batch: Sequence[Entry],
    fields: FieldMask,
    services: Services,
    patience: Patience,
    report: Report,
) -> None:
    waiting = list(batch)
    while waiting:
        request = pb.ImportProductsRequest(
            products=[wire for _, wire in waiting], update_mask=fields
        )
        answer = await patience(services.product.ImportProducts, request)
        again = []
        for entry, result in zip(waiting, answer.results, strict=True):
            if result.HasField("done"):
                name = pb.ImportOutcome.Name(result.done).removeprefix("IMPORT_OUTCOME_")
                report.done[name.lower()] += 1
            elif is_passing(result.error):
                again.append(entry)
            else:
                report.refuse(entry[0], reason_of(result.error), result.error.message)
        waiting = again


async def categories_for(
    products: Sequence[FileProduct], services: Services, patience: Patience, report: Report
) -> Mapping[Names, str]:
    """
    Return the ids of all categories there are, by their paths of names, once those of *products*
    are there too.
    """
    listed = await patience(services.category.ListCategories, categories_pb.ListCategoriesRequest())
    ids = {tuple(each.path): each.category_id for each in listed.categories}
    for product in products:
        try:
            for path in product.categories:
                for depth in range(1, len(path) + 1):
                    if path[:depth] not in ids:
                        ids[path[:depth]] = await create_category(
                            path[:depth], ids, services, patience
                        )
        except CallRefused as refusal:
            report.refuse(product, refusal.reason, str(refusal))
        except RowRefused as refusal:
            report.refuse(product, refusal.reason, str(refusal))
    return ids


async def create_category(
    path: Names, ids: Mapping[Names, str], services: Services, patience: Patience
) -> str:
    request = categories_pb.CreateCategoryRequest(
        request_id=str(uuid4()), parent_id=ids.get(path[:-1], ""), name=path[-1]
    )
    answer = await patience(services.category.CreateCategory, request)
    category_id: str = answer.category.category_id
    return category_id


def write_refused(refused: Sequence[RefusedProduct], file: Path) -> None:
    """
    Write the refused rows to *file*, which can be corrected and imported; without any, remove it.
    """
    if not refused:
        file.unlink(missing_ok=True)
        return
    columns = [c for c in refused[0].product.rows[0].cells if c not in REFUSED]
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow([*REFUSED, *columns])
        for each in refused:
            for row in each.product.rows:
                writer.writerow(
                    [
                        row.line,
                        each.reason,
                        each.message,
                        *(row.cells[column] for column in columns),
                    ]
                )


def summary_of(products: Sequence[FileProduct], report: Report, seconds: float) -> dict[str, Any]:
    rows: Counter[str] = Counter()
    for each in report.refused:
        rows[each.reason] += len(each.product.rows)
    return {
        "products": len(products),
        "rows": sum(len(product.rows) for product in products),
        **{outcome: report.done[outcome] for outcome in OUTCOMES},
        "refused": len(report.refused),
        "refused_rows_by_reason": dict(rows.most_common()),
        "seconds": round(seconds, 1),
    }


def show(summary: Mapping[str, Any], refused_file: Path) -> None:
    print(
        f"\n{summary['rows']:,} rows, {summary['products']:,} products in {summary['seconds']} s:"
        f" {', '.join(f'{summary[outcome]:,} {outcome}' for outcome in OUTCOMES)},"
        f" {summary['refused']:,} refused."
    )
    if summary["refused"]:
        print()
        reasons = summary["refused_rows_by_reason"].items()
        print_table(("ROWS", "REFUSED FOR"), [(f"{rows:,}", reason) for reason, rows in reasons])
        print(f"\nThe refused rows, with line and message: {refused_file}")
