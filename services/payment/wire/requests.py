"""What is asked of payments, as it comes in: payment_service.proto."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from google.type.money_pb2 import Money as WireMoney

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.rpc.money import money_from_wire
from retail.payment.v1 import payment_service_pb2 as pb
from services.payment.application.authorize_payments import AuthorizePayment
from services.payment.application.capture_payments import CapturePayment
from services.payment.application.increment_authorizations import IncrementAuthorization
from services.payment.application.refund_payments import RefundPayment
from services.payment.application.void_payments import VoidPayment
from services.payment.domain.values import (
    MAIN_MERCHANT,
    CaptureId,
    IncrementId,
    MerchantId,
    PaymentId,
    RefundId,
)

E = TypeVar("E")
C = TypeVar("C")


MOST_ENTRIES = 500


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


def authorization_from_wire(wire: pb.Authorization, path: str) -> AuthorizePayment:
    return AuthorizePayment(
        payment_id=payment_id_from_wire(wire.payment_id, f"{path}.payment_id"),
        amount=amount_from_wire(wire.amount, f"{path}.amount"),
        psp_token=within(path, lambda: PspToken(wire.psp_token)),
        merchant=within(path, lambda: merchant_from_wire(wire.merchant_id)),
    )


def increment_from_wire(wire: pb.AuthorizationIncrement, path: str) -> IncrementAuthorization:
    return IncrementAuthorization(
        increment_id=IncrementId(parse_id(wire.increment_id, f"{path}.increment_id")),
        payment_id=payment_id_from_wire(wire.payment_id, f"{path}.payment_id"),
        amount=amount_from_wire(wire.amount, f"{path}.amount"),
    )


def capture_from_wire(wire: pb.Capture, path: str) -> CapturePayment:
    capture_id = CaptureId(parse_id(wire.capture_id, f"{path}.capture_id"))
    payment_id = payment_id_from_wire(wire.payment_id, f"{path}.payment_id")
    amount = amount_from_wire(wire.amount, f"{path}.amount")
    shipping = shipping_from_wire(wire, path)
    return within(
        path,
        lambda: CapturePayment(
            capture_id=capture_id, payment_id=payment_id, amount=amount, shipping=shipping
        ),
    )


def refund_from_wire(wire: pb.Refund, path: str) -> RefundPayment:
    refund_id = RefundId(parse_id(wire.refund_id, f"{path}.refund_id"))
    payment_id = payment_id_from_wire(wire.payment_id, f"{path}.payment_id")
    amount = amount_from_wire(wire.amount, f"{path}.amount")
    shipping = shipping_from_wire(wire, path)
    return within(
        path,
        lambda: RefundPayment(
            refund_id=refund_id,
            payment_id=payment_id,
            amount=amount,
            shipping=shipping,
            reason=wire.reason,
        ),
    )


def shipping_from_wire(wire: pb.Capture | pb.Refund, path: str) -> Money:
    if wire.HasField("shipping"):
        return money_from_wire(wire.shipping, f"{path}.shipping")
    return Money(0, wire.amount.currency_code)


def void_from_wire(payment_id: str, path: str) -> VoidPayment:
    return VoidPayment(payment_id=payment_id_from_wire(payment_id, path))


def payment_id_from_wire(text: str, field: str) -> PaymentId:
    return PaymentId(parse_id(text, field))


def merchant_from_wire(text: str) -> MerchantId:
    return MerchantId(text) if text else MAIN_MERCHANT


def amount_from_wire(wire: WireMoney, field: str) -> Money:
    """
    Raises:
        AmountNotPositive: It is zero or less.
    """
    amount = money_from_wire(wire, field)
    if amount.minor_units <= 0:
        raise AmountNotPositive(f"{field} must be above zero", field=field)
    return amount


def within(path: str, make: Callable[[], C]) -> C:
    """
    Return what *make* returns; if that refuses a field, name it from the top of the request.
    """
    try:
        return make()
    except InvalidInput as malformed:
        malformed.field = f"{path}.{malformed.field}"
        raise
