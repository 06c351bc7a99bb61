"""Chargebacks as they are asked for and answered: chargeback_service.proto."""

from collections.abc import Sequence
from datetime import datetime

from chassis.kernel.errors import InvalidInput
from chassis.rpc.money import money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from retail.payment.v1 import chargeback_service_pb2 as pb
from services.payment.application.chargebacks.ports import ChargebackQuery
from services.payment.application.chargebacks.submit_chargeback_evidence import (
    SubmitChargebackEvidence,
)
from services.payment.domain.chargeback import Chargeback, Evidence
from services.payment.domain.facts import ChargebackState
from services.payment.domain.values import ChargebackId
from services.payment.wire.pages import (
    micros_of,
    moment_of,
    page_size_from_wire,
    page_token_invalid,
    page_token_to_wire,
    place_from_wire,
)
from services.payment.wire.requests import payment_id_from_wire

STATES = {
    ChargebackState.NEEDS_RESPONSE: pb.CHARGEBACK_STATE_NEEDS_RESPONSE,
    ChargebackState.UNDER_REVIEW: pb.CHARGEBACK_STATE_UNDER_REVIEW,
    ChargebackState.WON: pb.CHARGEBACK_STATE_WON,
    ChargebackState.LOST: pb.CHARGEBACK_STATE_LOST,
}
_STATES_FROM_WIRE = {wire: state for state, wire in STATES.items()}


class ChargebackIdMissing(InvalidInput):
    pass


class ChargebackStateUnknown(InvalidInput):
    pass


def chargeback_id_from_wire(text: str) -> ChargebackId:
    """
    Raises:
        ChargebackIdMissing: It is none.
    """
    if not 0 < len(text) <= 255 or "\0" in text:
        raise ChargebackIdMissing("a chargeback's id is 1 to 255 characters", field="chargeback_id")
    return ChargebackId(text)


def evidence_from_wire(wire: pb.SubmitChargebackEvidenceRequest) -> SubmitChargebackEvidence:
    return SubmitChargebackEvidence(
        chargeback_id=chargeback_id_from_wire(wire.chargeback_id),
        evidence=Evidence(text=wire.text, tracking_number=wire.tracking_number),
    )


def query_from_wire(wire: pb.ListChargebacksRequest) -> ChargebackQuery:
    """
    Raises:
        InvalidInput: Something is malformed; names the field.
    """
    if wire.state and wire.state not in _STATES_FROM_WIRE:
        raise ChargebackStateUnknown(f"there is no state {wire.state}", field="state")
    return ChargebackQuery(
        state=_STATES_FROM_WIRE.get(wire.state),
        payment_id=payment_id_from_wire(wire.payment_id, "payment_id") if wire.payment_id else None,
        after=_place_from_token(wire) if wire.page_token else None,
        limit=page_size_from_wire(wire.page_size),
    )


def page_to_wire(
    chargebacks: Sequence[Chargeback], more: bool, request: pb.ListChargebacksRequest
) -> pb.ListChargebacksResponse:
    wire = pb.ListChargebacksResponse(
        chargebacks=[chargeback_to_wire(each) for each in chargebacks]
    )
    if more:
        last = chargebacks[-1]
        due = micros_of(last.evidence_due_at) if last.evidence_due_at else ""
        wire.next_page_token = page_token_to_wire(f"{due} {last.id}", request)
    return wire


def _place_from_token(request: pb.ListChargebacksRequest) -> tuple[datetime | None, ChargebackId]:
    micros, _, last = place_from_wire(request.page_token, request).partition(" ")
    try:
        return moment_of(micros) if micros else None, chargeback_id_from_wire(last)
    except (ValueError, OverflowError, ChargebackIdMissing):
        raise page_token_invalid() from None


def chargeback_to_wire(chargeback: Chargeback) -> pb.Chargeback:
    wire = pb.Chargeback(
        chargeback_id=chargeback.id,
        payment_id=str(chargeback.payment_id),
        amount=money_to_wire(chargeback.amount),
        reason=chargeback.reason,
        state=STATES[chargeback.state],
        create_time=timestamp_to_wire(chargeback.opened_at),
        merchant_id=chargeback.merchant.text,
    )
    if chargeback.evidence_due_at:
        wire.evidence_due_time.CopyFrom(timestamp_to_wire(chargeback.evidence_due_at))
    if chargeback.submitted_at:
        wire.evidence_submit_time.CopyFrom(timestamp_to_wire(chargeback.submitted_at))
    return wire
