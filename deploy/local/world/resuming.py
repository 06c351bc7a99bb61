"""Work that providers accepted before they were gone."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from deploy.local.world.outcomes import Followed
from deploy.local.world.patience import Patience
from deploy.local.world.services import Services
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

AT_ONCE = 32


async def work_under_way(
    orders: Sequence[Followed], services: Services, patience: Patience
) -> Mapping[str, Sequence[pb.FulfillmentOrder]]:
    """
    Return the accepted work of *orders* that is not delivered yet, by provider.
    """
    by_provider: dict[str, list[pb.FulfillmentOrder]] = defaultdict(list)
    some_at_once = asyncio.Semaphore(AT_ONCE)

    async def look(order: Followed) -> None:
        request = pb.ListFulfillmentOrdersRequest(order_id=order.order_id)
        async with some_at_once:
            answer = await patience(services.fulfillment.ListFulfillmentOrders, request)
        for work in answer.fulfillment_orders:
            if work.status == pb.FULFILLMENT_ORDER_STATUS_IN_PROGRESS:
                by_provider[provider_of(work)].append(work)

    async with asyncio.TaskGroup() as tasks:
        for order in orders:
            tasks.create_task(look(order))
    return by_provider


def provider_of(work: pb.FulfillmentOrder) -> str:
    """
    Return who has accepted *work*; empty if nobody has.
    """
    accepted = (o.provider_id for o in work.offers if o.state == pb.OFFER_STATE_ACCEPTED)
    return next(accepted, "")
