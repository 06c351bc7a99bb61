"""Settlement reports and differences as they are told and asked about."""

from collections.abc import Sequence
from uuid import UUID

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.money import Money
from chassis.rpc.money import money_from_wire, money_to_wire
from chassis.rpc.timestamps import timestamp_from_wire, timestamp_to_wire
from retail.payment.v1 import reconciliation_service_pb2 as pb
from services.payment.application.reconciliation.get_settlement_report import ReportStanding
from services.payment.application.reconciliation.import_settlement_rows import ImportSettlementRows
from services.payment.application.reconciliation.list_differences import ListDifferences
from services.payment.application.reconciliation.ports import DifferenceFilter, DifferencePlace
from services.payment.application.reconciliation.reconcile_report import ReconcileReport
from services.payment.application.reconciliation.resolve_difference import ResolveDifference
from services.payment.domain.settlement.differences import (
    Difference,
    DifferenceKind,
    DifferenceState,
)
from services.payment.domain.settlement.report import Report, ReportState, report_key
from services.payment.domain.settlement.rows import RowKind, SettlementRow
from services.payment.domain.values import PspAccount, TransactionId
from services.payment.wire.pages import (
    micros_of,
    moment_of,
    page_size_from_wire,
    page_token_invalid,
    page_token_to_wire,
    place_from_wire,
)


class RowKindUnknown(InvalidInput):
    pass


class DifferenceKindUnknown(InvalidInput):
    pass


class DifferenceStateUnknown(InvalidInput):
    pass


ROW_KINDS = {kind: getattr(pb, f"SETTLEMENT_ROW_KIND_{kind}") for kind in RowKind}
REPORT_STATES = {state: getattr(pb, f"SETTLEMENT_REPORT_STATE_{state}") for state in ReportState}
KINDS = {kind: getattr(pb, f"DIFFERENCE_KIND_{kind}") for kind in DifferenceKind}
STATES = {state: getattr(pb, f"DIFFERENCE_STATE_{state}") for state in DifferenceState}
_ROW_KINDS = {wire: kind for kind, wire in ROW_KINDS.items()}
_KINDS = {wire: kind for kind, wire in KINDS.items()}
_STATES = {wire: state for state, wire in STATES.items()}


def import_from_wire(request: pb.ImportSettlementRowsRequest) -> ImportSettlementRows:
    return ImportSettlementRows(
        account=PspAccount(request.psp_account),
        report_id=request.report_id,
        offset=request.offset,
        rows=[row_from_wire(row, f"rows[{number}]") for number, row in enumerate(request.rows)],
    )


def row_from_wire(wire: pb.SettlementRow, path: str) -> SettlementRow:
    """
    Raises:
        InvalidInput: Something is malformed; names the field.
    """
    if wire.kind not in _ROW_KINDS:
        raise RowKindUnknown(f"{path}.kind is none of a row", field=f"{path}.kind")
    amounts = {
        name: money_from_wire(getattr(wire, name), f"{path}.{name}")
        for name in ("gross", "fee", "net")
    }
    transaction_id = None
    if wire.transaction_id:
        transaction_id = TransactionId(parse_id(wire.transaction_id, f"{path}.transaction_id"))
    created_at = timestamp_from_wire(wire.create_time, f"{path}.create_time")
    try:
        return SettlementRow(
            row_id=wire.row_id,
            kind=_ROW_KINDS[wire.kind],
            source_id=wire.source_id,
            transaction_id=transaction_id,
            created_at=created_at,
            **amounts,
        )
    except InvalidInput as error:
        error.field = f"{path}.{error.field}"
        raise


def row_to_wire(row: SettlementRow) -> pb.SettlementRow:
    return pb.SettlementRow(
        row_id=row.row_id,
        kind=ROW_KINDS[row.kind],
        source_id=row.source_id,
        transaction_id=str(row.transaction_id or ""),
        gross=money_to_wire(row.gross),
        fee=money_to_wire(row.fee),
        net=money_to_wire(row.net),
        create_time=timestamp_to_wire(row.created_at),
    )


def reconcile_from_wire(request: pb.ReconcileReportRequest) -> ReconcileReport:
    return ReconcileReport(
        account=PspAccount(request.psp_account),
        report_id=request.report_id,
        rows=request.rows,
        begins=timestamp_from_wire(request.from_time, "from_time"),
        ends=timestamp_from_wire(request.to_time, "to_time"),
    )


def report_to_wire(standing: ReportStanding) -> pb.SettlementReport:
    report = standing.report
    wire = pb.SettlementReport(
        report_id=report.report_id,
        psp_account=report.account,
        state=REPORT_STATES[report.state],
        rows=report.rows,
        matched=report.matched,
        differences=[
            pb.DifferenceCount(
                kind=KINDS[kind],
                count=sum(counts.values()),
                open=counts.get(DifferenceState.OPEN, 0),
            )
            for kind, counts in sorted(standing.differences.items())
        ],
        fees=[
            money_to_wire(Money(amount, currency))
            for currency, amount in sorted(report.fees.items())
            if amount
        ],
    )
    _set_times(wire, report)
    return wire


def _set_times(wire: pb.SettlementReport, report: Report) -> None:
    if report.begins and report.ends:
        wire.from_time.CopyFrom(timestamp_to_wire(report.begins))
        wire.to_time.CopyFrom(timestamp_to_wire(report.ends))
    if report.reconciled_at:
        wire.reconcile_time.CopyFrom(timestamp_to_wire(report.reconciled_at))


def list_from_wire(request: pb.ListDifferencesRequest) -> ListDifferences:
    """
    Raises:
        InvalidInput: Something is malformed; names the field.
    """
    if request.kind and request.kind not in _KINDS:
        raise DifferenceKindUnknown("kind is none of a difference", field="kind")
    if request.state and request.state not in _STATES:
        raise DifferenceStateUnknown("state is none of a difference", field="state")
    report = None
    if request.report_id:
        report = report_key(PspAccount(request.psp_account), request.report_id)
    return ListDifferences(
        wanted=DifferenceFilter(
            report=report,
            kind=_KINDS.get(request.kind),
            state=_STATES.get(request.state, DifferenceState.OPEN),
        ),
        after=_place_from_token(request) if request.page_token else None,
        limit=page_size_from_wire(request.page_size),
    )


def page_to_wire(
    differences: Sequence[Difference], more: bool, request: pb.ListDifferencesRequest
) -> pb.ListDifferencesResponse:
    wire = pb.ListDifferencesResponse(differences=[difference_to_wire(d) for d in differences])
    if more:
        last = differences[-1]
        wire.next_page_token = page_token_to_wire(
            f"{micros_of(last.created_at)} {last.id}", request
        )
    return wire


def _place_from_token(request: pb.ListDifferencesRequest) -> DifferencePlace:
    micros, _, last = place_from_wire(request.page_token, request).partition(" ")
    try:
        return moment_of(micros), UUID(last)
    except (ValueError, OverflowError):
        raise page_token_invalid() from None


def resolve_from_wire(request: pb.ResolveDifferenceRequest) -> ResolveDifference:
    return ResolveDifference(
        difference_id=parse_id(request.difference_id, "difference_id"),
        reason=request.reason,
        dismiss=request.dismiss,
    )


def difference_to_wire(difference: Difference) -> pb.Difference:
    wire = pb.Difference(
        difference_id=str(difference.id),
        report_id=difference.report_id,
        psp_account=difference.account,
        kind=KINDS[difference.kind],
        transaction_id=str(difference.transaction_id or ""),
        payment_id=str(difference.payment_id or ""),
        merchant_id=str(difference.merchant),
        state=STATES[difference.state],
        proposal=difference.proposal,
        correction=[
            pb.CorrectionPosting(account=line.account, amount=money_to_wire(line.amount))
            for line in difference.correction
        ],
        create_time=timestamp_to_wire(difference.created_at),
        resolve_reason=difference.resolve_reason,
    )
    if difference.row:
        wire.row.CopyFrom(row_to_wire(difference.row))
    if difference.expected:
        wire.expected.CopyFrom(money_to_wire(difference.expected))
    if difference.resolved_at:
        wire.resolve_time.CopyFrom(timestamp_to_wire(difference.resolved_at))
    return wire
