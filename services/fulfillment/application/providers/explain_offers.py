"""Use case: somebody wonders why these providers were asked, and in this order."""

from collections.abc import Sequence

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.providers.ports import OfferExplanation
from services.fulfillment.domain.values import FulfillmentOrderId


async def explain_offers(
    order_id: FulfillmentOrderId, *, uow: UnitOfWork
) -> Sequence[OfferExplanation]:
    """
    Return the ranking as it was when each offer was made, oldest first.

    Raises:
        FulfillmentOrderNotFound: There is no such fulfillment order.
    """
    async with uow() as tx:
        return await tx.offer_explanations.of(order_id)
