"""Use case: somebody looks at the story of one order."""

from chassis.kernel.clock import Clock
from services.order.application.sagas.ports import OrderSagaStanding, SagaNotFound, SagaUnitOfWork
from services.order.application.sagas.standings import Steps, beside
from services.order.domain.values import OrderId


async def get_saga(
    order_id: OrderId, *, uow: SagaUnitOfWork, steps: Steps, clock: Clock
) -> OrderSagaStanding:
    """
    Return where the story of an order stands.

    Raises:
        SagaNotFound: The order has ended, or does not exist.
    """
    async with uow() as tx:
        standings = await tx.sagas.find([order_id])
        order = (await tx.orders.find([order_id])).get(order_id)
    if order is None or not standings:
        raise SagaNotFound.of(order_id)
    return beside(order, standings, steps=steps, now=clock())
