"""What losing parcels and getting them back have in common: their goods are made good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.quantity import Quantity
from services.fulfillment.application.ports import Transaction
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.line import FromParcel, ReturnLine, WantedLine
from services.fulfillment.domain.returns.parcels import Taken, taken_by
from services.fulfillment.domain.returns.policy import DEFAULT_POLICY, ReturnPolicy
from services.fulfillment.domain.returns.values import (
    NOWHERE,
    AccountId,
    Resolution,
    ReturnKind,
    ReturnReason,
    parcel_return_id,
)
from services.fulfillment.domain.values import Goods, LocationId, OrderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneParcel:
    """
    A parcel that did not reach its customer.

    Attributes:
        lost: Whether it will never be seen again; if not, it comes back.
    """

    order_id: OrderId
    account_id: AccountId
    shipment_id: ShipmentId
    location_id: LocationId
    goods: tuple[Goods, ...]
    lost: bool


async def open_parcel_returns(
    parcels: Sequence[GoneParcel],
    *,
    tx: Transaction,
    now: datetime,
    policy: ReturnPolicy = DEFAULT_POLICY,
) -> None:
    """
    Open a claim for what was in each lost parcel, and a return for what comes back of the others:
    as far as the customer has not claimed it yet.

    Runs in the transaction that has locked the parcels' fulfillment orders. Safe to repeat: the
    id of a parcel's return follows from the parcel's, and what is open already is left alone.
    """
    if not parcels:
        return
    found = await tx.returns.of_orders({parcel.order_id for parcel in parcels})
    known, taken = {some.id for some in found}, taken_by(found)
    opened: list[Return] = []
    for parcel in {parcel.shipment_id: parcel for parcel in parcels}.values():
        lines = _lines(parcel, taken)
        if lines and parcel_return_id(parcel.shipment_id) not in known:
            opened.append(_opened(parcel, lines, policy, now))
    await tx.returns.save(opened)


def _lines(parcel: GoneParcel, taken: Taken) -> list[ReturnLine]:
    reason = ReturnReason.LOST if parcel.lost else ReturnReason.UNDELIVERABLE
    lines: list[ReturnLine] = []
    for some in parcel.goods:
        if left := some.quantity.units - taken[parcel.shipment_id, some.sku]:
            wanted = WantedLine(sku=some.sku, quantity=Quantity(left), reason=reason)
            whole = (FromParcel(parcel.shipment_id, left),)
            lines.append(ReturnLine(wanted=wanted, parcels=whole))
    return lines


def _opened(
    parcel: GoneParcel, lines: Sequence[ReturnLine], policy: ReturnPolicy, now: datetime
) -> Return:
    new = Return.request(
        parcel_return_id(parcel.shipment_id),
        parcel.order_id,
        parcel.account_id,
        kind=ReturnKind.CLAIM if parcel.lost else ReturnKind.UNDELIVERED,
        resolution=Resolution.REFUND,
        lines=lines,
        location_id=NOWHERE if parcel.lost else parcel.location_id,
        policy=policy,
        now=now,
        shipment_id=parcel.shipment_id,
    )
    # Nobody needs to decide what nobody can dispute.
    new.approve(policy, now)
    return new
