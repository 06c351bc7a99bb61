"""
What orders note of the events of payment.

The history hears them all, and in the same transaction the orders note the few that concern them:
so both say the same at any moment, and nobody hears each authorization and capture twice.
"""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from google.protobuf.message import Message

from chassis.events.handlers import Handler
from chassis.kernel.clock import Clock
from chassis.rpc.money import money_from_wire
from chassis.storage.database import Transaction as OpenTransaction
from retail.payment.v1 import payment_events_pb2 as pb
from services.order.application.note_chargebacks import NoteChargeback, note_chargebacks
from services.order.application.note_expired_authorizations import (
    NoteExpiredAuthorization,
    note_expired_authorizations,
)
from services.order.application.note_refunds import NoteRefund, note_refunds
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId, ReturnId

# Joins the open transaction that also moves the inbox.
Join = Callable[[OpenTransaction], Transaction]


def payment_notes(join: Join, clock: Clock) -> Mapping[type[Message], Handler]:
    """
    Return what the orders note, by the event that tells it.
    """

    async def refunded(
        events: Sequence[pb.PaymentRefunded | pb.RefundFailed], tx: OpenTransaction
    ) -> None:
        commands = [
            NoteRefund(
                order_id=_order_id(event.payment_id),
                version=event.meta.aggregate_version,
                total=money_from_wire(event.total_refunded, "total_refunded").minor_units,
                failure=event.reason if isinstance(event, pb.RefundFailed) else "",
                return_id=_return_id(event.refund_id),
            )
            for event in events
        ]
        await note_refunds(commands, tx=join(tx), clock=clock)

    async def charged_back(
        events: Sequence[pb.ChargebackReceived | pb.ChargebackClosed], tx: OpenTransaction
    ) -> None:
        commands = [
            NoteChargeback(
                order_id=_order_id(event.payment_id),
                version=event.meta.aggregate_version,
                what=_what(event),
            )
            for event in events
        ]
        await note_chargebacks(commands, tx=join(tx), clock=clock)

    async def voided(events: Sequence[pb.PaymentVoided], tx: OpenTransaction) -> None:
        commands = [
            NoteExpiredAuthorization(
                order_id=_order_id(event.payment_id), version=event.meta.aggregate_version
            )
            for event in events
            # What was asked for, whoever asked has noted.
            if event.expired
        ]
        if commands:
            await note_expired_authorizations(commands, tx=join(tx), clock=clock)

    return {
        pb.PaymentRefunded: refunded,
        pb.RefundFailed: refunded,
        pb.ChargebackReceived: charged_back,
        pb.ChargebackClosed: charged_back,
        pb.PaymentVoided: voided,
    }


def _what(event: pb.ChargebackReceived | pb.ChargebackClosed) -> str:
    amount = money_from_wire(event.amount, "amount")
    if isinstance(event, pb.ChargebackReceived):
        return f"chargeback of {amount}: {event.reason}"
    return f"chargeback of {amount} {'won' if event.won else 'lost'}"


def _return_id(refund_id: str) -> ReturnId | None:
    # A return and its refund have one id; who pays back elsewhere may have called it anything.
    try:
        return ReturnId(UUID(refund_id))
    except ValueError:
        return None


def _order_id(payment_id: str) -> OrderId:
    # An order and its payment have one id.
    return OrderId(UUID(payment_id))
