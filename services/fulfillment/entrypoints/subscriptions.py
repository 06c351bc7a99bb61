"""Everything fulfillment listens to."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from chassis.events.handlers import Subscription
from chassis.kernel.clock import Clock
from chassis.storage.database import Transaction as DatabaseTransaction
from retail.order.v1.order_events_pb2 import OrderConfirmed
from services.fulfillment.application.open_fulfillment_orders import open_fulfillment_orders
from services.fulfillment.application.ports import Transaction
from services.fulfillment.domain.ranking import USUAL_WEIGHTS, RankingWeights
from services.fulfillment.wire.orders import work_from_wire

HEARS = "order"


def subscriptions(
    join: Callable[[DatabaseTransaction], Transaction],
    *,
    clock: Clock,
    answer_within: timedelta,
    weights: RankingWeights = USUAL_WEIGHTS,
) -> list[Subscription]:
    """
    Args:
        join: Makes what we do part of the transaction that also moves the inbox.
    """

    async def confirmed(events: Sequence[OrderConfirmed], tx: DatabaseTransaction) -> None:
        commands = [work_from_wire(event) for event in events]
        await open_fulfillment_orders(
            commands, tx=join(tx), clock=clock, answer_within=answer_within, weights=weights
        )

    return [Subscription(OrderConfirmed, confirmed)]
