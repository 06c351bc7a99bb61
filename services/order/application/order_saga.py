"""
What happens after an order is placed, step by step.

    when                  then                                     or else
    ────────────────────  ───────────────────────────────────────  ──────────────────────────────
    order accepted        product reserves stock                   out of stock → reject
    stock reserved        payment authorizes the grand total       declined → compensate
    payment authorized    product confirms; the order is PLACED,   hold expired → compensate
                          fulfillment hears OrderConfirmed
    parcel dispatched     payment captures its share,              refused → again, then a person
                          product books the goods out
    all delivered         complete; a rest is given back           parcel gone → complete short
    change requested      fulfillment changes the work,            dispatched → change refused
                          product gets back what goes out
    cancel requested      before PLACED: compensate; after it
                          fulfillment cancels, compensate          dispatched, kept → refused
    no provider,          fulfillment cancels, compensate          dispatched → wait longer,
    deadline passed,      (it asks whoever does the work: wait     kept → again in a day
    authorization expired for that, silence means yes)
    compensate            product releases, payment voids,         again until done
                          the order is REJECTED or CANCELLED

Every step may run twice: each call carries the order's id, or the parcel's, or the change's number,
and the other side does it once. A request of a customer makes a step under way void: whatever it
got meanwhile, the next step asks for again or gives back. The runner (chassis.saga.runner) calls
each step with all the orders it is due for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.saga.steps import Outcome, Step
from services.order.application.participants import (
    Fulfillment,
    FulfillmentChange,
    Inventory,
    Payments,
    Refused,
)
from services.order.application.saga_outcomes import (
    CONFIRM_WITHIN,
    OrderOutcome,
    after_authorizing,
    after_cancelling,
    after_changing,
    after_compensating,
    after_confirming,
    after_following,
    after_reserving,
    charged,
    given_up,
    is_hopeless,
    put_to_a_person,
)
from services.order.application.saga_skips import (
    given_back_elsewhere,
    settled_elsewhere,
    taken_elsewhere,
)
from services.order.domain.order import Order
from services.order.domain.values import OrderId, Reason, RequestState

FIRST_STEP = "reserve_stock"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSaga:
    """
    The steps, and whom they call.
    """

    inventory: Inventory
    payments: Payments
    fulfillment: Fulfillment
    clock: Clock

    def steps(self) -> Sequence[Step[Order]]:
        return (
            Step(
                name=FIRST_STEP,
                act=self.reserve_stock,
                asks="product",
                undone_by="compensate",
            ),
            Step(
                name="authorize_payment",
                act=self.authorize_payment,
                asks="payment",
                undone_by="compensate",
            ),
            Step(
                name="confirm_reservation",
                act=self.confirm_reservation,
                asks="product",
                undone_by="compensate",
            ),
            Step(
                name="follow_fulfillment",
                act=self.follow_fulfillment,
                asks="payment, product",
                lasting="a parcel that left is paid for; what has not left, compensate gives back",
                skip=taken_elsewhere,
            ),
            Step(
                name="change_fulfillment",
                act=self.change_fulfillment,
                asks="fulfillment, product",
                lasting="it gets nothing; what goes out of the order was never to be sent again",
                skip=settled_elsewhere,
            ),
            Step(
                name="cancel_fulfillment",
                act=self.cancel_fulfillment,
                asks="fulfillment",
                lasting="it gets nothing; compensate follows",
            ),
            Step(
                name="compensate",
                act=self.compensate,
                asks="product, payment",
                lasting="it gets nothing, and is repeated until all has gone back",
                skip=given_back_elsewhere,
            ),
        )

    async def reserve_stock(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Ask product to hold the goods of each order, all or nothing.
        """
        given_up_on, kept = self._sort(orders)
        answers = await self.inventory.reserve(kept) if kept else ()
        outcomes = {o.id: after_reserving(a) for o, a in zip(kept, answers, strict=True)}
        outcomes |= given_up_on
        return [outcomes[order.id] for order in orders]

    async def authorize_payment(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Ask payment to set each order's grand total aside.
        """
        given_up_on, kept = self._sort(orders)
        payable = [order for order in kept if not order.is_free]
        answers = await self.payments.authorize(payable) if payable else ()
        refused = {o.id: answer for o, answer in zip(payable, answers, strict=True) if answer}
        outcomes = {order.id: after_authorizing(refused.get(order.id)) for order in kept}
        outcomes |= given_up_on
        return [outcomes[order.id] for order in orders]

    async def confirm_reservation(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Make each hold an allocation that stays; from here on the order is a promise.
        """
        kept = [order for order in orders if not order.is_to_be_cancelled]
        answers = await self.inventory.confirm(kept) if kept else ()
        outcomes = {o.id: after_confirming(o, a) for o, a in zip(kept, answers, strict=True)}
        cancelled = {o.id: given_up(_wanted(o)) for o in orders if o.is_to_be_cancelled}
        outcomes |= cancelled
        return [outcomes[order.id] for order in orders]

    async def follow_fulfillment(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Look at what providers have done since the last look, and do what follows from it.
        """
        now = self.clock()
        refused = await self._charge(orders)
        # Not before all is charged, and what goes out of the order is back: what is given back
        # cannot be taken any more, nor be changed.
        ready = [
            order
            for order in orders
            if order.has_rest and not order.is_to_be_changed and order.id not in refused
        ]
        refused |= await self._give_back_rests(ready)
        return [
            put_to_a_person(refused[order.id], "follow_fulfillment")
            if order.id in refused
            else _asked_for(order, now) or after_following(order, now)
            for order in orders
        ]

    async def change_fulfillment(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Ask fulfillment to work by what the order shall be, and give product back what goes out of
        it. Fulfillment decides: it knows whether anything has left.
        """
        asked = [order for order in orders if _awaits_answer(order)]
        answers = await self.fulfillment.change([_change_of(o) for o in asked]) if asked else ()
        refused = {o.id: answer for o, answer in zip(asked, answers, strict=True) if answer}
        smaller = [o for o in orders if _gives_back(o) and o.id not in refused]
        kept = [(o, o.kept_by_change) for o in smaller]
        reduced = await self.inventory.reduce(kept) if kept else ()
        unsettled = {o.id: answer for o, answer in zip(smaller, reduced, strict=True) if answer}
        return [after_changing(o, refused.get(o.id), unsettled.get(o.id)) for o in orders]

    async def cancel_fulfillment(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Ask fulfillment to give up the work on each order, unless a parcel has left or a provider
        keeps it. Where providers have to be asked, this waits, and asks again.
        """
        answers = await self.fulfillment.cancel(orders)
        now = self.clock()
        return [
            after_cancelling(order, answer, now)
            for order, answer in zip(orders, answers, strict=True)
        ]

    async def compensate(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Give back whatever each order may hold: also what an earlier call may have got whose
        answer was lost. The other side remembers the order, and refuses it from now on.
        """
        released = await self.inventory.release(orders)
        refused = await self._void(orders)
        return [
            after_compensating(answer or refused.get(order.id))
            for order, answer in zip(orders, released, strict=True)
        ]

    def _sort(self, orders: Sequence[Order]) -> tuple[dict[OrderId, OrderOutcome], list[Order]]:
        """
        Return what becomes of the orders that are not to go on, and the ones that are.
        """
        now = self.clock()
        given_up_on: dict[OrderId, OrderOutcome] = {}
        kept: list[Order] = []
        for order in orders:
            if order.is_to_be_cancelled:
                given_up_on[order.id] = given_up(_wanted(order))
            elif now >= order.created_at + CONFIRM_WITHIN:
                given_up_on[order.id] = given_up(Reason.DEADLINE_PASSED)
            else:
                kept.append(order)
        return given_up_on, kept

    async def _charge(self, orders: Sequence[Order]) -> dict[OrderId, Refused]:
        """
        Charge and book out the parcels that left; return the orders where that was refused.
        """
        parcels = [(order, parcel) for order in orders for parcel in order.uncaptured]
        if not parcels:
            return {}
        # A discount may leave a parcel with nothing to pay.
        payable = [(order, parcel) for order, parcel in parcels if parcel.value.minor_units]
        paid = await self.payments.capture(payable) if payable else ()
        booked = await self.inventory.consume(parcels)
        refused = [*zip(payable, paid, strict=True), *zip(parcels, booked, strict=True)]
        return {order.id: answer for (order, _), answer in refused if answer}

    async def _give_back_rests(self, orders: Sequence[Order]) -> dict[OrderId, Refused]:
        """
        Give back what is left over of orders that are done; return those where it was refused.
        """
        if not orders:
            return {}
        short = [order for order in orders if order.is_short]
        released = await self.inventory.release(short) if short else ()
        refused = {o.id: answer for o, answer in zip(short, released, strict=True) if answer}
        return refused | await self._void(orders)

    async def _void(self, orders: Sequence[Order]) -> dict[OrderId, Refused]:
        """
        Give back what is set aside for *orders*, if anything ever was; return the refusals.
        """
        payable = [order for order in orders if not order.is_free]
        answers = await self.payments.void(payable) if payable else ()
        return {o.id: answer for o, answer in zip(payable, answers, strict=True) if answer}


def _asked_for(order: Order, now: datetime) -> OrderOutcome | None:
    """
    Return where to go with an order that somebody wants cancelled or changed, or that must be
    given up; `None` if it goes on as it is.
    """
    if _awaits_answer(order):
        # First, as fulfillment may have done it already, and its answer was lost.
        return Outcome(next_step="change_fulfillment")
    if order.is_to_be_cancelled or is_hopeless(order, now):
        return Outcome(next_step="cancel_fulfillment")
    if order.is_to_be_changed:
        return Outcome(change=charged(order), next_step="change_fulfillment")
    return None


def _awaits_answer(order: Order) -> bool:
    return order.change is not None and order.change.state is RequestState.REQUESTED


def _gives_back(order: Order) -> bool:
    return order.change is not None and order.change.is_open and bool(order.change.quantities)


def _change_of(order: Order) -> FulfillmentChange:
    assert order.change
    return FulfillmentChange(
        order_id=order.id,
        number=order.change.number,
        ship_to=order.change.ship_to or order.ship_to,
        goods=order.kept_by_change,
    )


def _wanted(order: Order) -> Reason:
    assert order.cancellation
    return order.cancellation.reason
