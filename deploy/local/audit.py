"""
Hold the databases beside the invoices that were replayed, to the unit and to the penny.

Reads the file and the databases and nothing else: no service is asked, and nothing that a replay
remembers is read. Orders carry the number of their invoice, and the id of a return follows from
the two invoices it is between. Which invoice becomes an order, and what a cancellation gives back,
is read as the replay reads it; what that comes to is worked out here, in fractions:

An invoice is charged its units × prices, plus postage, less discount, and is shipped whole. What
comes back of it is worth units × price of its lines (of a SKU on several lines, the first ones
come back first), less the same share of the discount that all goods had. All that came back of one
invoice is rounded down to the penny together, not return by return. Postage is not paid back: a
change of mind is nobody's fault (REFUND_SHIPPING is FAULT or NEVER, and all is counted sellable).

An order that was rejected or cancelled has moved no goods and no money. Other orders on the cluster
are passed over: they are verify's business. Lists every difference,
and says what was not checked and why. Ends with 1 if there is a difference.
"""

from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path
from typing import Any

from chassis.terminal import print_table
from deploy.local.arguments import at_least
from deploy.local.auditing.comparing import Audit, compare, money
from deploy.local.auditing.expected import expected_of
from deploy.local.auditing.found import databases_of
from deploy.local.cluster import load, to_json
from deploy.local.invoices.accounts import Accounts
from deploy.local.invoices.mapping import map_invoices
from deploy.local.invoices.reading import files_in, lines_of

MOST_SHOWN = 50
MONEY = {"money captured", "money refunded"}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help="what was replayed")
    parser.add_argument("--limit", type=at_least(1), metavar="N", help="the first N invoices only")
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    lines = (line for file in files_in(arguments.data) for line in lines_of(file))
    mapping = map_invoices(lines, limit=arguments.limit)
    expected = expected_of(mapping)
    async with databases_of(cluster) as databases:
        audit = compare(expected, await databases.found(expected))
    if arguments.json:
        print(to_json(as_json(audit, mapping.accounts)).decode(), end="")
    else:
        show(audit, mapping.accounts)
    return 1 if audit.differences else 0


def as_json(audit: Audit, accounts: Accounts) -> dict[str, Any]:
    return {
        "file": audit.file,
        "databases": audit.databases,
        "differences": [str(each) for each in audit.differences],
        "unsold": audit.unsold,
        "lines_not_checked": accounts.skipped_lines,
        "units_not_checked": accounts.unmatched_units,
    }


def show(audit: Audit, accounts: Accounts) -> None:
    rows = [
        (
            what,
            amount(what, audit.file[what]),
            amount(what, audit.databases[what]),
            amount(what, audit.databases[what] - audit.file[what]),
        )
        for what in audit.file | audit.databases
    ]
    print_table(("WHAT", "BY THE FILE", "IN THE DATABASES", "DIFFERENCE"), rows)
    show_counts("Not sold, so there is nothing to compare: orders", audit.unsold)
    show_counts("Not checked, as they are in no order and no return: lines", accounts.skipped_lines)
    show_counts("Not checked, as no order was found for them: units", accounts.unmatched_units)
    print()
    if not audit.differences:
        print("No difference.")
        return
    print(f"{len(audit.differences):,} differences:")
    for each in audit.differences[:MOST_SHOWN]:
        print(f"  {each}")
    if len(audit.differences) > MOST_SHOWN:
        print(f"  and {len(audit.differences) - MOST_SHOWN:,} more (--json shows all)")


def show_counts(title: str, counts: Counter[str]) -> None:
    if counts:
        print(f"\n{title}")
        for what, count in counts.most_common():
            print(f"  {count:>9,}  {what}")


def amount(what: str, count: int) -> str:
    return money(count) if what in MONEY else f"{count:,}"
