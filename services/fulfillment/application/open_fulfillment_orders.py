"""Use case: orders were confirmed, so their work begins."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis.kernel.clock import Clock
from services.fulfillment.application.ports import Transaction
from services.fulfillment.application.seek_providers import seek_providers
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.ranking import USUAL_WEIGHTS, RankingWeights
from services.fulfillment.domain.returns.values import NOBODY, AccountId
from services.fulfillment.domain.values import Address, Goods, LocationId, OrderId, ServiceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFulfillmentOrders:
    """
    Attributes:
        account_id: Whose order it is.
        goods: What to send, and from where.
    """

    order_id: OrderId
    ship_to: Address
    account_id: AccountId = NOBODY
    goods: tuple[tuple[LocationId, Goods], ...]
    service_level: ServiceLevel = ServiceLevel.STANDARD


async def open_fulfillment_orders(
    commands: Sequence[OpenFulfillmentOrders],
    *,
    tx: Transaction,
    clock: Clock,
    answer_within: timedelta,
    weights: RankingWeights = USUAL_WEIGHTS,
) -> None:
    """
    Open one fulfillment order for each location of each order, and make its first offer.

    Runs in the transaction of whoever heard of the orders. Safe to repeat, and to come after a
    cancellation: each order passes the intake once.
    """
    admitted = await tx.intake.admit({command.order_id for command in commands})
    once = {c.order_id: c for c in commands if c.order_id in admitted}
    orders = [order for command in once.values() for order in _opened(command)]
    await seek_providers(orders, tx=tx, now=clock(), answer_within=answer_within, weights=weights)
    await tx.fulfillment_orders.save(orders)


def _opened(command: OpenFulfillmentOrders) -> Iterator[FulfillmentOrder]:
    by_location: dict[LocationId, list[Goods]] = defaultdict(list)
    for location_id, some in command.goods:
        by_location[location_id].append(some)
    for location_id, goods in by_location.items():
        yield FulfillmentOrder.open(
            command.order_id,
            location_id,
            goods,
            command.ship_to,
            account_id=command.account_id,
            service_level=command.service_level,
        )
