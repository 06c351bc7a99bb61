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
    all delivered         complete                                 (short: give the rest back)
    no provider           compensate                               parcel gone → complete short
    deadline passed       fulfillment cancels, compensate          parcel gone → wait longer
    an operator gives up  fulfillment cancels, compensate          parcel gone → kept
    compensate            product releases, payment voids,         again until done
                          the order is REJECTED or CANCELLED

Every step may run twice: each call carries the order's id, or the parcel's, and the other side
does it once. The runner (chassis.saga.runner) calls each step with all the orders it is due for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from chassis.saga.standing import A_PERSON
from chassis.saga.steps import Outcome, Step, TryAgain
from services.order.application.ports import Fulfillment, Inventory, Payments, Refused
from services.order.domain.order import Order
from services.order.domain.values import Allocation, OrderId, OrderStatus, Reason

FIRST_STEP = "reserve_stock"

# Stock and money are found within this time or not at all. Shorter than the hold on the stock
# (10 minutes), so that an order is never confirmed on goods that are gone.
CONFIRM_WITHIN = timedelta(minutes=8)
DISPATCH_WITHIN = timedelta(days=7)
DELIVER_WITHIN = timedelta(days=30)
LOOK_AGAIN_AFTER = timedelta(days=1)

OrderOutcome = Outcome[Order] | TryAgain


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
            Step(name=FIRST_STEP, act=self.reserve_stock, undone_by="compensate"),
            Step(name="authorize_payment", act=self.authorize_payment, undone_by="compensate"),
            Step(name="confirm_reservation", act=self.confirm_reservation, undone_by="compensate"),
            Step(
                name="follow_fulfillment",
                act=self.follow_fulfillment,
                lasting="a parcel that left is paid for; what has not left, compensate gives back",
                skip=_taken_elsewhere,
            ),
            Step(
                name="compensate",
                act=self.compensate,
                lasting="it gets nothing, and is repeated until all has gone back",
                skip=_given_back_elsewhere,
            ),
        )

    async def reserve_stock(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Ask product to hold the goods of each order, all or nothing.
        """
        timely = self._timely(orders)
        answers = await self.inventory.reserve(timely) if timely else ()
        outcomes = {o.id: _reserved(a) for o, a in zip(timely, answers, strict=True)}
        return [outcomes.get(order.id, _given_up(Reason.DEADLINE_PASSED)) for order in orders]

    async def authorize_payment(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Ask payment to set each order's grand total aside.
        """
        timely = self._timely(orders)
        answers = await self.payments.authorize(timely) if timely else ()
        outcomes = {o.id: _authorized(a) for o, a in zip(timely, answers, strict=True)}
        return [outcomes.get(order.id, _given_up(Reason.DEADLINE_PASSED)) for order in orders]

    async def confirm_reservation(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Make each hold an allocation that stays; from here on the order is a promise.
        """
        return [_confirmed(answer) for answer in await self.inventory.confirm(orders)]

    async def follow_fulfillment(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Look at what providers have done since the last look, and do what follows from it.
        """
        now = self.clock()
        charges = await self._charge(orders)
        hopeless = [order for order in orders if _is_hopeless(order, now)]
        cancels = dict(zip(_ids(hopeless), await self._cancel(hopeless), strict=True))
        short = [
            order
            for order in orders
            # Not before all is charged: what is given back cannot be taken any more.
            if order.is_short and order.is_delivered and order.id not in charges
        ]
        rests = dict(zip(_ids(short), await self._give_back(short), strict=True))

        outcomes: list[OrderOutcome] = []
        for order in orders:
            if refused := charges.get(order.id) or rests.get(order.id):
                outcomes.append(_refused(refused, "follow_fulfillment"))
            elif order.id in cancels:
                outcomes.append(_cancelled(order, cancels[order.id]))
            else:
                outcomes.append(_followed(order, now))
        return outcomes

    async def compensate(self, orders: Sequence[Order]) -> Sequence[OrderOutcome]:
        """
        Give back whatever each order may hold: also what an earlier call may have got whose
        answer was lost. The other side remembers the order, and refuses it from now on.
        """
        answers = await self._give_back(orders)
        return [
            _refused(refused, "compensate")
            if refused
            else Outcome(change=Order.finish_giving_up, next_step=None)
            for refused in answers
        ]

    def _timely(self, orders: Sequence[Order]) -> Sequence[Order]:
        now = self.clock()
        return [order for order in orders if now < order.created_at + CONFIRM_WITHIN]

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

    async def _cancel(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        return await self.fulfillment.cancel(orders) if orders else ()

    async def _give_back(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        if not orders:
            return ()
        released = await self.inventory.release(orders)
        voided = await self.payments.void(orders)
        return [stock or money for stock, money in zip(released, voided, strict=True)]


def _reserved(answer: tuple[Allocation, ...] | Refused) -> OrderOutcome:
    if isinstance(answer, Refused):
        if answer.passing:
            return TryAgain(because=answer.reason)
        # All or nothing: what is refused holds nothing that would have to go back.
        return Outcome(change=_reject(_reason(answer.reason)), next_step=None)

    def note(order: Order, now: datetime) -> None:
        order.reserve(answer, now)

    return Outcome(change=note, next_step="authorize_payment")


def _authorized(refused: Refused | None) -> OrderOutcome:
    if refused is None:
        return Outcome(change=Order.authorize, next_step="confirm_reservation")
    if refused.passing:
        return TryAgain(because=refused.reason)
    return _given_up(Reason.PAYMENT_DECLINED)


def _confirmed(refused: Refused | None) -> OrderOutcome:
    if refused is None:
        return Outcome(
            change=Order.confirm,
            next_step="follow_fulfillment",
            wait=DISPATCH_WITHIN,
            waits_for="provider",
        )
    if refused.passing:
        return TryAgain(because=refused.reason)
    return _given_up(Reason.RESERVATION_EXPIRED)


def _followed(order: Order, now: datetime) -> Outcome[Order]:
    parcels = [parcel.id for parcel in order.uncaptured]
    ends = order.is_delivered
    overdue = now - order.created_at - DELIVER_WITHIN
    late = order.is_dispatched and timedelta(0) <= overdue < LOOK_AGAIN_AFTER

    def note(order: Order, now: datetime) -> None:
        if order.reason:
            order.keep(now)
        if parcels:
            order.capture(parcels, now)
        if ends:
            order.complete(now)
        elif late:
            order.wait_longer("delivery overdue", now)

    if ends:
        return Outcome(change=note, next_step=None)
    return Outcome(
        change=note if parcels or late or order.reason else None,
        next_step="follow_fulfillment",
        wait=_next_look(order, now),
        waits_for="carrier" if order.is_dispatched else "provider",
    )


def _taken_elsewhere(order: Order, now: datetime) -> Outcome[Order] | None:
    """
    Return what follows if somebody has seen to the money and goods that were refused here.
    """
    if not order.uncaptured and not (order.is_short and order.is_delivered):
        return None  # it waits for somebody who has to act
    return _followed(order, now)


def _given_back_elsewhere(_order: Order, _now: datetime) -> Outcome[Order]:
    return Outcome(change=Order.finish_giving_up, next_step=None)


def _refused(refused: Refused, step: str) -> OrderOutcome:
    """
    Return what to do when money or goods are refused that the order has a right to.
    """
    if refused.passing:
        return TryAgain(because=refused.reason)
    # Asking at once would get the same answer: somebody has to look into it.
    return Outcome(next_step=step, wait=LOOK_AGAIN_AFTER, waits_for=f"{A_PERSON}: {refused.reason}")


def _cancelled(order: Order, refused: Refused | None) -> OrderOutcome:
    if refused is None:
        hopeless = Reason.UNFULFILLABLE if order.is_short else Reason.DEADLINE_PASSED
        return _given_up(order.reason or hopeless)
    if refused.passing:
        return TryAgain(because=refused.reason)
    # A parcel left while we asked: its event is on the way and wakes the saga.
    return Outcome(
        change=Order.keep if order.reason else None,
        next_step="follow_fulfillment",
        wait=LOOK_AGAIN_AFTER,
        waits_for="provider",
    )


def _is_hopeless(order: Order, now: datetime) -> bool:
    """
    Return whether nothing has left, and nothing will: not in time, not the whole, or because
    somebody wants so.
    """
    overdue = now >= order.created_at + DISPATCH_WITHIN
    return not order.shipments and (bool(order.reason) or order.is_short or overdue)


def _next_look(order: Order, now: datetime) -> timedelta:
    within = DELIVER_WITHIN if order.shipments else DISPATCH_WITHIN
    return max(order.created_at + within - now, LOOK_AGAIN_AFTER)


def giving_up(order: Order) -> Outcome[Order]:
    """
    Return where the story of an order goes on that was asked to be given up.
    """
    # Once it is a promise, somebody may be at work on it, who is asked first.
    pending = order.status is OrderStatus.PENDING
    return Outcome(next_step="compensate" if pending else "follow_fulfillment")


def _given_up(reason: Reason) -> OrderOutcome:
    def give_up(order: Order, now: datetime) -> None:
        order.give_up(reason, now)

    return Outcome(change=give_up, next_step="compensate")


def _reject(reason: Reason) -> Callable[[Order, datetime], None]:
    def reject(order: Order, now: datetime) -> None:
        order.reject(reason, now)

    return reject


def _reason(word: str) -> Reason:
    """
    Return why an order without stock is rejected: product's word where it is one of ours.
    """
    return Reason(word) if word in set(Reason) else Reason.OUT_OF_STOCK


def _ids(orders: Sequence[Order]) -> Sequence[OrderId]:
    return [order.id for order in orders]
