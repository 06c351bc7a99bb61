"""
Hold what the PSP says it has moved beside the books, and see to what differs.

Without anything else it fetches what an account has moved since the last time and matches it.
`file` does so with a settlement report in a CSV file; after a failure, the same command goes on.
`list` shows the differences that are open, `resolve` closes one, or with --all all of them: it
books the correction that was proposed, or nothing with --dismiss.

It ends with 0 if no difference is open, else with 1.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict

from chassis.events.tools.arguments import words
from chassis.rpc.money import money_from_wire
from chassis.rpc.timestamps import timestamp_to_wire
from chassis.terminal import print_table
from deploy.local.clearing import clearing_of
from deploy.local.cluster import Cluster, load, to_json
from deploy.local.errors import CommandFailed, ServerAway
from deploy.local.progress import progress
from deploy.local.psp_process import ACCOUNT
from deploy.local.settlement_files import extent_of, name_of, rows_in
from deploy.local.while_running import while_running
from deploy.local.world.patience import CallRefused, Patience
from deploy.local.world.services import Services, services_of
from retail.payment.v1 import reconciliation_service_pb2 as pb

ROWS = 2_000
PAGE = 1_000
MOST_SHOWN = 20
# Somebody waits for the answer, and the service goes on by itself: a PSP that is away for longer
# than some ten seconds is said to be.
MOST_ATTEMPTS = 8
DONE = pb.SETTLEMENT_REPORT_STATE_RECONCILED

Differences = Sequence[pb.Difference]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print an object")
    parser.add_argument(
        "--account", default=ACCOUNT, metavar="NAME", help=f"at the PSP (default: {ACCOUNT})"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    file = actions.add_parser("file", help="match a settlement report in a CSV file")
    file.add_argument("file", type=Path, metavar="FILE", help="a CSV file in UTF-8")
    file.add_argument(
        "--report", default="", metavar="ID", help="what it is called (its name and content)"
    )
    file.add_argument("--from", dest="begins", type=moment, metavar="TIME", help="(its first row)")
    file.add_argument("--to", dest="ends", type=moment, metavar="TIME", help="(its last row)")
    actions.add_parser("list", help="the differences that are open")
    resolve = actions.add_parser("resolve", help="close a difference")
    resolve.add_argument("difference", type=UUID, nargs="*", metavar="ID")
    resolve.add_argument("--all", action="store_true", help="all that are open")
    resolve.add_argument("--reason", type=words, required=True, metavar="TEXT", help="why")
    resolve.add_argument("--dismiss", action="store_true", help="book nothing")


def moment(text: str) -> datetime:
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("a time is written like 2026-01-31T12:00Z") from None
    return said.replace(tzinfo=said.tzinfo or UTC)


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    return await while_running(cluster, _run(cluster, arguments))


async def _run(cluster: Cluster, arguments: Namespace) -> int:
    patience = Patience()
    report: pb.SettlementReport | None = None
    async with services_of(cluster) as services:
        match arguments.action:
            case "file":
                report = await import_file(services, patience, arguments)
            case "resolve":
                await resolve(services, patience, arguments)
            case None:
                hasty = Patience(attempts=MOST_ATTEMPTS)
                report = await reconcile_account(services, hasty, arguments)
        differences = await open_differences(services, patience)
    clearing = await clearing_of(cluster)
    if arguments.json:
        print(to_json(_plain(report, differences, clearing)).decode(), end="")
    else:
        if report:
            _show_report(report)
        elif arguments.action is None:
            print("Nothing that the PSP has surely written down has moved since the last time.")
        _show(differences, clearing)
    return 1 if differences else 0


async def reconcile_account(
    services: Services, patience: Patience, arguments: Namespace
) -> pb.SettlementReport | None:
    """
    Let the account be reconciled, as many calls as that takes.

    Raises:
        ServerAway: Nobody answers for what it has moved.
    """
    request = pb.ReconcileAccountRequest(psp_account=arguments.account)
    while True:
        try:
            answer = await patience(services.reconciliation.ReconcileAccount, request)
        except CallRefused as refusal:
            if refusal.reason:
                raise
            raise ServerAway(
                "the PSP, or the payment service, does not say what has moved: see `make psp` and"
                " `make status`. What was fetched is kept, and the same command goes on."
            ) from None
        if not answer.HasField("report"):
            return None
        if answer.report.state == DONE:
            report: pb.SettlementReport = answer.report
            return report


async def import_file(
    services: Services, patience: Patience, arguments: Namespace
) -> pb.SettlementReport:
    """
    Send the rows that are not in yet, and let the report be matched.
    """
    extent = extent_of(arguments.file)
    report_id = arguments.report or name_of(arguments.file)
    rows = rows_in(arguments.file)
    known = await _rows_in(services, patience, arguments.account, report_id)
    for _ in islice(rows, known):
        pass
    with progress("rows", extent.rows, quiet=arguments.json) as tell:
        while part := list(islice(rows, ROWS)):
            request = pb.ImportSettlementRowsRequest(
                report_id=report_id, psp_account=arguments.account, offset=known, rows=part
            )
            await patience(services.reconciliation.ImportSettlementRows, request)
            known += len(part)
            tell(known, "in")
        whole = pb.ReconcileReportRequest(
            report_id=report_id,
            psp_account=arguments.account,
            rows=extent.rows,
            from_time=timestamp_to_wire(arguments.begins or extent.earliest),
            to_time=timestamp_to_wire(arguments.ends or extent.latest + timedelta(seconds=1)),
        )
        while True:
            answer = await patience(services.reconciliation.ReconcileReport, whole)
            tell(extent.rows, f"{answer.report.matched:,} matched")
            if answer.report.state == DONE:
                report: pb.SettlementReport = answer.report
                return report


async def _rows_in(services: Services, patience: Patience, account: str, report_id: str) -> int:
    """
    Return how many rows of the report are in already.
    """
    request = pb.GetSettlementReportRequest(report_id=report_id, psp_account=account)
    try:
        answer = await patience(services.reconciliation.GetSettlementReport, request)
    except CallRefused as refusal:
        if refusal.reason != "SETTLEMENT_REPORT_NOT_FOUND":
            raise
        return 0
    known: int = answer.report.rows
    return known


async def open_differences(services: Services, patience: Patience) -> Differences:
    found: list[pb.Difference] = []
    request = pb.ListDifferencesRequest(page_size=PAGE)
    while True:
        page = await patience(services.reconciliation.ListDifferences, request)
        found += page.differences
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def resolve(services: Services, patience: Patience, arguments: Namespace) -> None:
    if bool(arguments.difference) == arguments.all:
        raise CommandFailed("name the differences that are meant, or say --all")
    ids = [str(each) for each in arguments.difference]
    if arguments.all:
        ids = [each.difference_id for each in await open_differences(services, patience)]
    with progress("differences", len(ids), quiet=arguments.json) as tell:
        for done, difference_id in enumerate(ids, start=1):
            request = pb.ResolveDifferenceRequest(
                difference_id=difference_id, reason=arguments.reason, dismiss=arguments.dismiss
            )
            await patience(services.reconciliation.ResolveDifference, request)
            tell(done, "closed")


def _plain(
    report: pb.SettlementReport | None, differences: Differences, clearing: Sequence[Any]
) -> dict[str, Any]:
    return {
        "report": MessageToDict(report, preserving_proto_field_name=True) if report else None,
        "open": _by_kind(differences),
        "differences": [
            MessageToDict(each, preserving_proto_field_name=True) for each in differences
        ],
        "clearing": clearing,
    }


def _show_report(report: pb.SettlementReport) -> None:
    differing = sum(each.count for each in report.differences)
    fees = ", ".join(str(money_from_wire(fee, "fee")) for fee in report.fees) or "none"
    print(
        f"Report {report.report_id}: {report.rows:,} rows, {report.matched:,} agree with the books,"
        f" {differing:,} differences; fees: {fees}."
    )


def _show(differences: Differences, clearing: Sequence[Any]) -> None:
    if clearing:
        print()
        print_table(
            ("MERCHANT", "IN CLEARING"), [(each["merchant"], each["balance"]) for each in clearing]
        )
    else:
        print("The clearing accounts are at zero.")
    if not differences:
        print("No difference is open.")
        return
    print()
    counts = _by_kind(differences).items()
    print_table(("DIFFERENCES", "OPEN"), [(kind, f"{count:,}") for kind, count in counts])
    print()
    heads = ("ID", "KIND", "THE PSP SAYS", "WE EXPECT", "PROPOSAL")
    print_table(heads, [_cells(each) for each in differences[:MOST_SHOWN]])
    if len(differences) > MOST_SHOWN:
        print(f"… and {len(differences) - MOST_SHOWN:,} more: --json prints all")
    print(
        '\nClose one with `make reconcile DO="resolve ID --reason TEXT"`, which books what is'
        " proposed; --dismiss books nothing."
    )


def _cells(difference: pb.Difference) -> tuple[str, ...]:
    said = expected = "—"
    if difference.HasField("row"):
        said = str(money_from_wire(difference.row.gross, "gross"))
    if difference.HasField("expected"):
        expected = str(money_from_wire(difference.expected, "expected"))
    # The whole of it, however long: it is what somebody is to agree to.
    return (difference.difference_id, _kind(difference.kind), said, expected, difference.proposal)


def _by_kind(differences: Differences) -> dict[str, int]:
    return dict(sorted(Counter(_kind(each.kind) for each in differences).items()))


def _kind(kind: int) -> str:
    name: str = pb.DifferenceKind.Name(kind)
    return name.removeprefix("DIFFERENCE_KIND_").lower().replace("_", " ")
