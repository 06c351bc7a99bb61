"""How the payment model looks on the wire, in both directions."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from google.type.money_pb2 import Money as WireMoney

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.rpc.errors import status_from_error
from chassis.rpc.money import money_from_wire, money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from retail.payment.v1 import payment_events_pb2, payment_service_pb2
from services.payment.application.authorize_payments import AuthorizePayment
from services.payment.application.capture_payments import CapturePayment
from services.payment.application.conversation import Answer, PspOutcomeUnknown
from services.payment.application.void_payments import VoidPayment
from services.payment.domain import events
from services.payment.domain.ledger import Balance
from services.payment.domain.payment import Payment
from services.payment.domain.transaction import PaymentTransaction
from services.payment.domain.values import CaptureId, PaymentId, TransactionKind, TransactionState

DOMAIN = "payment.retail"

MOST_ENTRIES = 500

# When a caller who was told "unknown" may ask again.
ASK_AGAIN_MILLISECONDS = 200

E = TypeVar("E")
C = TypeVar("C")


class BatchSizeOutOfRange(InvalidInput):
    pass


class AmountNotPositive(InvalidInput):
    pass


def entries_from_wire(
    entries: Sequence[E], field: str, entry_from_wire: Callable[[E, str], C]
) -> Sequence[C | InvalidInput]:
    """
    Return each of *entries* as a command, or what is wrong with it.

    Raises:
        BatchSizeOutOfRange: There are none, or more than 500.
    """
    if not 0 < len(entries) <= MOST_ENTRIES:
        raise BatchSizeOutOfRange(
            f"{field} takes 1 to {MOST_ENTRIES} entries, not {len(entries)}", field=field
        )
    read: list[C | InvalidInput] = []
    for number, entry in enumerate(entries):
        try:
            read.append(entry_from_wire(entry, f"{field}[{number}]"))
        except InvalidInput as malformed:
            read.append(malformed)
    return read


def authorization_from_wire(wire: payment_service_pb2.Authorization, path: str) -> AuthorizePayment:
    return AuthorizePayment(
        payment_id=payment_id_from_wire(wire.payment_id, f"{path}.payment_id"),
        amount=amount_from_wire(wire.amount, f"{path}.amount"),
        psp_token=_within(path, lambda: PspToken(wire.psp_token)),
    )


def capture_from_wire(wire: payment_service_pb2.Capture, path: str) -> CapturePayment:
    capture_id = CaptureId(parse_id(wire.capture_id, f"{path}.capture_id"))
    payment_id = payment_id_from_wire(wire.payment_id, f"{path}.payment_id")
    amount = amount_from_wire(wire.amount, f"{path}.amount")
    shipping = Money(0, amount.currency)
    if wire.HasField("shipping"):
        shipping = money_from_wire(wire.shipping, f"{path}.shipping")
    return _within(
        path,
        lambda: CapturePayment(
            capture_id=capture_id, payment_id=payment_id, amount=amount, shipping=shipping
        ),
    )


def void_from_wire(payment_id: str, path: str) -> VoidPayment:
    return VoidPayment(payment_id=payment_id_from_wire(payment_id, path))


def payment_id_from_wire(text: str, field: str) -> PaymentId:
    return PaymentId(parse_id(text, field))


def amount_from_wire(wire: WireMoney, field: str) -> Money:
    """
    Raises:
        AmountNotPositive: It is zero or less.
    """
    amount = money_from_wire(wire, field)
    if amount.minor_units <= 0:
        raise AmountNotPositive(f"{field} must be above zero", field=field)
    return amount


def result_to_wire(answer: Answer) -> payment_service_pb2.PaymentResult:
    match answer:
        case Payment():
            return payment_service_pb2.PaymentResult(payment=payment_to_wire(answer))
        case PspOutcomeUnknown():
            return payment_service_pb2.PaymentResult(error=unknown_to_wire(answer))
        case DomainError():
            return payment_service_pb2.PaymentResult(error=status_from_error(answer, DOMAIN))


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


def payment_to_wire(payment: Payment) -> payment_service_pb2.Payment:
    return payment_service_pb2.Payment(
        payment_id=str(payment.id),
        authorized=money_to_wire(payment.settled(TransactionKind.AUTHORIZATION)),
        captured=money_to_wire(payment.settled(TransactionKind.CAPTURE)),
        voided=money_to_wire(payment.settled(TransactionKind.VOID)),
        refunded=money_to_wire(payment.settled(TransactionKind.REFUND)),
        transactions=[transaction_to_wire(each) for each in payment.transactions.values()],
    )


def transaction_to_wire(transaction: PaymentTransaction) -> payment_service_pb2.PaymentTransaction:
    return payment_service_pb2.PaymentTransaction(
        transaction_id=str(transaction.id),
        kind=KINDS[transaction.kind],
        state=STATES[transaction.state],
        amount=money_to_wire(transaction.amount),
        failure=transaction.failure,
        create_time=timestamp_to_wire(transaction.requested_at),
    )


def balance_to_wire(balance: Balance) -> payment_service_pb2.AccountBalance:
    return payment_service_pb2.AccountBalance(
        account=balance.account, balance=money_to_wire(balance.amount)
    )


def event_to_wire(event: events.PaymentEvent) -> Message:
    match event:
        case events.PaymentAuthorized():
            return payment_events_pb2.PaymentAuthorized(
                payment_id=str(event.payment_id), amount=money_to_wire(event.amount)
            )
        case events.PaymentDeclined():
            return payment_events_pb2.PaymentDeclined(
                payment_id=str(event.payment_id),
                amount=money_to_wire(event.amount),
                reason=event.reason,
            )
        case events.PaymentCaptured():
            return payment_events_pb2.PaymentCaptured(
                payment_id=str(event.payment_id),
                capture_id=str(event.capture_id),
                amount=money_to_wire(event.amount),
                total_captured=money_to_wire(event.total_captured),
            )
        case events.PaymentVoided():
            return payment_events_pb2.PaymentVoided(
                payment_id=str(event.payment_id), amount=money_to_wire(event.amount)
            )


def _within(path: str, make: Callable[[], C]) -> C:
    """
    Return what *make* returns; if that refuses a field, name it from the top of the request.
    """
    try:
        return make()
    except InvalidInput as malformed:
        malformed.field = f"{path}.{malformed.field}"
        raise


KINDS = {
    TransactionKind.AUTHORIZATION: payment_service_pb2.TRANSACTION_KIND_AUTHORIZATION,
    TransactionKind.CAPTURE: payment_service_pb2.TRANSACTION_KIND_CAPTURE,
    TransactionKind.VOID: payment_service_pb2.TRANSACTION_KIND_VOID,
    TransactionKind.REFUND: payment_service_pb2.TRANSACTION_KIND_REFUND,
    TransactionKind.CHARGEBACK: payment_service_pb2.TRANSACTION_KIND_CHARGEBACK,
}

STATES = {
    TransactionState.REQUESTED: payment_service_pb2.TRANSACTION_STATE_REQUESTED,
    TransactionState.SUCCEEDED: payment_service_pb2.TRANSACTION_STATE_SUCCEEDED,
    TransactionState.FAILED: payment_service_pb2.TRANSACTION_STATE_FAILED,
    TransactionState.UNKNOWN: payment_service_pb2.TRANSACTION_STATE_UNKNOWN,
}
