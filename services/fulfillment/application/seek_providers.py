"""What opening, declining and expiring have in common: the work goes to the next provider."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chassis.kernel.ids import new_id
from services.fulfillment.application.ports import Transaction
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import OfferId


async def seek_providers(
    orders: Sequence[FulfillmentOrder],
    *,
    tx: Transaction,
    now: datetime,
    answer_within: timedelta,
) -> None:
    """
    Offer each of *orders* to its next best provider, who has *answer_within* to answer; the
    providers are read once for all.
    """
    if not orders:
        return
    providers = await tx.providers.serving({order.ship_to.country_code for order in orders})
    for order in orders:
        order.seek_provider(providers, offer_id=OfferId(new_id()), expires_at=now + answer_within)
