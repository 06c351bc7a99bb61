"""Returns and claims that open by themselves, because a parcel never reached its customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.fulfillment.application.ports import Transaction
from services.fulfillment.domain.returns.values import AccountId
from services.fulfillment.domain.values import Goods, LocationId, OrderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneParcel:
    """
    A parcel that was lost, or comes back undelivered.
    """

    order_id: OrderId
    account_id: AccountId
    shipment_id: ShipmentId
    location_id: LocationId
    goods: tuple[Goods, ...]
    lost: bool


async def open_parcel_returns(
    parcels: Sequence[GoneParcel],  # noqa: ARG001
    *,
    tx: Transaction,  # noqa: ARG001
    now: datetime,  # noqa: ARG001
) -> None:
    """
    Stand in for what opens returns, until they are merged.
    """
