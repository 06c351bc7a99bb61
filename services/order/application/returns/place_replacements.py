"""Use case: the service itself places orders for goods that are replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

from chassis.kernel.clock import Clock
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from services.order.application import order_saga
from services.order.application.ports import OrderNotFound, RequestKey, UnitOfWork
from services.order.application.returns.ports import ReturnCase
from services.order.domain.order import Order
from services.order.domain.values import OrderId, ReturnId

_FINGERPRINT = b"replacement"


async def place_replacements(
    cases: Sequence[ReturnCase], *, uow: UnitOfWork, clock: Clock
) -> Mapping[ReturnId, Order]:
    """
    Return for each return the order that brings its goods anew, at no price and to the address of
    the old one; place those that are not there yet.

    Safe to repeat: the return knows its replacement, which is noted in the transaction that places
    it. Limits of the account do not count: the customer does not ask for more.
    """
    now = clock()
    async with uow() as tx:
        orders = await tx.orders.find([case.order.id for case in cases])
        known = {
            case.return_id: by
            for case in cases
            if (by := orders[case.order.id].returns[case.return_id].replacement_id)
        }
        fresh = {
            case.return_id: replacement_of(orders[case.order.id], case.return_id, now)
            for case in cases
            if case.return_id not in known
        }
        await tx.requests.claim([(key_of(order), order.id) for order in fresh.values()], now=now)
        for case in cases:
            if order := fresh.get(case.return_id):
                orders[case.order.id].replace(case.return_id, order.id, now)
        changed = {case.order.id for case in cases if case.return_id in fresh}
        await tx.orders.save([*fresh.values(), *(orders[id_] for id_ in changed)])
        traces: dict[UUID, str] = {order.id: order.trace for order in fresh.values()}
        if traces:
            await tx.sagas.start(order_saga.FIRST_STEP, traces, now=now)
        earlier = await tx.orders.find([*known.values()])
    placed = {return_id: _kept(earlier, by) for return_id, by in known.items()}
    return placed | fresh


def replacement_of(order: Order, return_id: ReturnId, now: datetime) -> Order:
    """
    Return an order for what is made good of a return, for nothing.
    """
    units = order.returns[return_id].units
    nothing = Money(0, order.currency)
    replacement = Order.place(
        OrderId(new_id()),
        account_id=order.account_id,
        channel=order.channel,
        lines=tuple(
            replace(line, quantity=Quantity(units[line.number]), unit_price=nothing, number=0)
            for line in order.lines
            if units.get(line.number)
        ),
        shipping=nothing,
        discount=nothing,
        ship_to=order.ship_to,
        psp_token=order.psp_token,
        reference=order.reference,
        service_level=order.service_level,
        now=now,
        for_return_id=return_id,
        may_be_free=True,
    )
    replacement.trace = order.trace
    return replacement


def key_of(replacement: Order) -> RequestKey:
    """
    Return the request that a replacement answers: one that only its return can make.
    """
    assert replacement.for_return_id
    return RequestKey(
        account_id=replacement.account_id,
        request_id=uuid5(replacement.for_return_id, "replacement"),
        fingerprint=_FINGERPRINT,
    )


def _kept(orders: Mapping[OrderId, Order], order_id: OrderId) -> Order:
    if order_id not in orders:
        raise OrderNotFound(f"order {order_id} is kept elsewhere by now")
    return orders[order_id]
