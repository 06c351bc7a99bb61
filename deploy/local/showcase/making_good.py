"""What customers of the showcase do after their orders have come, and how it is made good."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

from deploy.local.showcase.goods import Shop
from deploy.local.showcase.journeys import Journey
from deploy.local.world.patience import Patience
from deploy.local.world.services import Services
from retail.fulfillment.v1 import return_service_pb2 as return_pb
from retail.order.v1 import exchange_service_pb2 as exchange_pb
from retail.order.v1 import order_service_pb2 as pb

BETWEEN_LOOKS_SECONDS = 0.1
PAID_BACK = {pb.PAYMENT_STATUS_PARTIALLY_REFUNDED, pb.PAYMENT_STATUS_REFUNDED}


async def send_back(
    journey: Journey, order: pb.Order, *, shop: Shop, services: Services, patience: Patience
) -> pb.Order | None:
    """
    Send back what is to be sent back of *order*; return the order that comes instead, if one does.
    """
    lines = journey.wanted_back(shop)
    if journey.instead:
        exchange = exchange_pb.RequestExchangeRequest(
            order_id=order.order_id, lines=lines, order=journey.instead.request(shop)
        )
        answer = await patience(services.exchange.RequestExchange, exchange)
        return answer.order
    if lines:
        request = return_pb.RequestReturnRequest(
            account_id=order.account_id,
            order_id=order.order_id,
            return_id=str(uuid4()),
            lines=lines,
        )
        await patience(services.returns.RequestReturn, request)
    return None


async def made_good(
    order: pb.Order, *, services: Services, patience: Patience, tell: Callable[[pb.Order], None]
) -> pb.Order:
    """
    Follow *order* until what came back of it, or was lost, is made good.

    Args:
        tell: Called with the order as it is, again and again.
    """
    request = pb.GetOrderRequest(account_id=order.account_id, order_id=order.order_id)
    while True:
        order = (await patience(services.order.GetOrder, request)).order
        tell(order)
        states = {each.state for each in order.returns}
        # The return is settled when the money is on its way; the order hears of it by an event.
        if states == {pb.ORDER_RETURN_STATE_SETTLED} and order.payment_status in PAID_BACK:
            return order
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)


async def return_problems(order: pb.Order, *, services: Services, patience: Patience) -> list[str]:
    """
    Say which returns of *order* fulfillment does not see as the order does.
    """
    problems = []
    for each in order.returns:
        request = return_pb.GetReturnRequest(account_id=order.account_id, return_id=each.return_id)
        seen = (await patience(services.returns.GetReturn, request)).customer_return
        state = return_pb.ReturnState.Name(seen.state).removeprefix("RETURN_STATE_")
        if (state, seen.refunded) != ("CLOSED", each.refund):
            problems.append(f"return {each.return_id}: {state} in fulfillment")
    return problems
