"""Payments as they are answered: payment_service.proto."""

import grpc
from google.protobuf.any_pb2 import Any as AnyProto
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from chassis.kernel.errors import DomainError
from chassis.rpc.errors import status_from_error
from chassis.rpc.money import money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from retail.payment.v1 import payment_service_pb2 as pb
from services.payment.application.conversation import Answer, PspOutcomeUnknown
from services.payment.domain.payment import Payment
from services.payment.domain.transaction import PaymentTransaction
from services.payment.domain.values import TransactionKind, TransactionState

DOMAIN = "payment.retail"

# When a caller who was told "unknown" may ask again.
ASK_AGAIN_MILLISECONDS = 200


def result_to_wire(answer: Answer) -> pb.PaymentResult:
    match answer:
        case Payment():
            return pb.PaymentResult(payment=payment_to_wire(answer))
        case PspOutcomeUnknown():
            return pb.PaymentResult(error=unknown_to_wire(answer))
        case DomainError():
            return pb.PaymentResult(error=status_from_error(answer, DOMAIN))


def unknown_to_wire(unknown: PspOutcomeUnknown) -> Status:
    """
    Return *unknown* as a status: it is no refusal, and so no DomainError.
    """
    retry = RetryInfo()
    retry.retry_delay.FromMilliseconds(ASK_AGAIN_MILLISECONDS)
    status = Status(
        code=grpc.StatusCode.UNAVAILABLE.value[0],
        message=f"the PSP has not said yet what came of payment {unknown.payment_id}; ask again",
    )
    for detail in (ErrorInfo(reason="PSP_OUTCOME_UNKNOWN", domain=DOMAIN), retry):
        packed = AnyProto()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def payment_to_wire(payment: Payment) -> pb.Payment:
    expires_at = payment.expires_at if payment.remaining.minor_units else None
    return pb.Payment(
        payment_id=str(payment.id),
        authorized=money_to_wire(payment.settled(TransactionKind.AUTHORIZATION)),
        captured=money_to_wire(payment.settled(TransactionKind.CAPTURE)),
        voided=money_to_wire(payment.settled(TransactionKind.VOID)),
        refunded=money_to_wire(payment.settled(TransactionKind.REFUND)),
        charged_back=money_to_wire(payment.settled(TransactionKind.CHARGEBACK)),
        transactions=[transaction_to_wire(each) for each in payment.transactions.values()],
        merchant_id=payment.merchant.text,
        psp_account=payment.psp_account,
        authorization_expire_time=timestamp_to_wire(expires_at) if expires_at else None,
    )


def transaction_to_wire(transaction: PaymentTransaction) -> pb.PaymentTransaction:
    return pb.PaymentTransaction(
        transaction_id=str(transaction.id),
        kind=KINDS[transaction.kind],
        state=STATES[transaction.state],
        amount=money_to_wire(transaction.amount),
        moved=money_to_wire(transaction.moved) if transaction.moved else None,
        request_id=transaction.request_id,
        failure=transaction.failure,
        create_time=timestamp_to_wire(transaction.requested_at),
    )


KINDS = {
    TransactionKind.AUTHORIZATION: pb.TRANSACTION_KIND_AUTHORIZATION,
    TransactionKind.CAPTURE: pb.TRANSACTION_KIND_CAPTURE,
    TransactionKind.VOID: pb.TRANSACTION_KIND_VOID,
    TransactionKind.REFUND: pb.TRANSACTION_KIND_REFUND,
    TransactionKind.CHARGEBACK: pb.TRANSACTION_KIND_CHARGEBACK,
}

STATES = {
    TransactionState.REQUESTED: pb.TRANSACTION_STATE_REQUESTED,
    TransactionState.SUCCEEDED: pb.TRANSACTION_STATE_SUCCEEDED,
    TransactionState.FAILED: pb.TRANSACTION_STATE_FAILED,
    TransactionState.UNKNOWN: pb.TRANSACTION_STATE_UNKNOWN,
}
