"""The gRPC face of reconciliation: translate, call one use case, translate back."""

import grpc

from retail.payment.v1 import reconciliation_service_pb2 as pb
from retail.payment.v1.reconciliation_service_pb2_grpc import ReconciliationServiceServicer
from services.payment.application.reconciliation.get_settlement_report import get_settlement_report
from services.payment.application.reconciliation.import_settlement_rows import (
    import_settlement_rows,
)
from services.payment.application.reconciliation.list_differences import list_differences
from services.payment.application.reconciliation.matching import Matching
from services.payment.application.reconciliation.ports import SettlementReports
from services.payment.application.reconciliation.reconcile_account import reconcile_account
from services.payment.application.reconciliation.reconcile_report import reconcile_report
from services.payment.application.reconciliation.resolve_difference import resolve_difference
from services.payment.domain.values import PspAccount
from services.payment.wire.settlement import (
    difference_to_wire,
    import_from_wire,
    list_from_wire,
    page_to_wire,
    reconcile_from_wire,
    report_to_wire,
    resolve_from_wire,
)


class ReconciliationServicer(ReconciliationServiceServicer):
    def __init__(self, *, matching: Matching, psp: SettlementReports) -> None:
        self._matching = matching
        self._uow = matching.uow
        self._psp = psp

    async def ImportSettlementRows(
        self, request: pb.ImportSettlementRowsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ImportSettlementRowsResponse:
        rows = await import_settlement_rows(
            import_from_wire(request), uow=self._uow, accounts=self._matching.accounts
        )
        return pb.ImportSettlementRowsResponse(rows=rows)

    async def ReconcileReport(
        self, request: pb.ReconcileReportRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReconcileReportResponse:
        report = await reconcile_report(reconcile_from_wire(request), matching=self._matching)
        return pb.ReconcileReportResponse(
            report=await self._standing(report.account, report.report_id)
        )

    async def ReconcileAccount(
        self, request: pb.ReconcileAccountRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReconcileAccountResponse:
        report = await reconcile_account(
            PspAccount(request.psp_account), psp=self._psp, matching=self._matching
        )
        if report is None:
            return pb.ReconcileAccountResponse()
        return pb.ReconcileAccountResponse(
            report=await self._standing(report.account, report.report_id)
        )

    async def GetSettlementReport(
        self, request: pb.GetSettlementReportRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetSettlementReportResponse:
        return pb.GetSettlementReportResponse(
            report=await self._standing(PspAccount(request.psp_account), request.report_id)
        )

    async def ListDifferences(
        self, request: pb.ListDifferencesRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListDifferencesResponse:
        differences, more = await list_differences(list_from_wire(request), uow=self._uow)
        return page_to_wire(differences, more, request)

    async def ResolveDifference(
        self, request: pb.ResolveDifferenceRequest, context: grpc.aio.ServicerContext
    ) -> pb.ResolveDifferenceResponse:
        difference = await resolve_difference(
            resolve_from_wire(request), uow=self._uow, clock=self._matching.clock
        )
        return pb.ResolveDifferenceResponse(difference=difference_to_wire(difference))

    async def _standing(self, account: PspAccount, report_id: str) -> pb.SettlementReport:
        return report_to_wire(await get_settlement_report(account, report_id, uow=self._uow))
