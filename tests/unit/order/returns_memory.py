"""Orders in memory whose goods come back, with the services that make them good as books."""

from copy import deepcopy
from datetime import timedelta
from uuid import UUID, uuid5

from chassis.saga.steps import TryAgain
from services.order.application.note_lost_parcels import NoteLostParcel, note_lost_parcels
from services.order.application.returns.note_returns import NoteReturn, note_returns
from services.order.application.returns.ports import ReturnCase
from services.order.application.returns.return_saga import ReturnSaga
from services.order.domain.order_return import (
    RefundShipping,
    Resolution,
    ReturnedGoods,
    ReturnKind,
)
from services.order.domain.values import LocationId, ReturnId
from tests.unit.order.conftest import Book, OrderWorld


class ReturnWorld(OrderWorld):
    """
    An order world in which goods come back. Each book knows the ids under which it did something,
    so that asking again changes nothing in it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.restocked = {}  # request id → (SKU, condition, units)
        self.refunded = {}  # return id → (value, shipping) in minor units
        self.closed = {}  # return id → (refunded, replacement)
        self.policy = RefundShipping.FAULT

    def return_steps(self):
        return ReturnSaga(
            restocking=RestockingBook(self),
            refunds=RefundsBook(self),
            desk=DeskBook(self),
            uow=self.uow,
            clock=self.clock,
            refund_shipping=self.policy,
        ).steps()

    def taken(self, order_id, return_id):
        return self.orders[order_id].returns[return_id]

    async def run_due(self) -> None:
        """
        Run every step that is due until none is: of orders, and of returns one at a time.
        """
        while any(at <= self.now for _, at in self.sagas.values()):
            returning = {id_: s for id_, s in self.sagas.items() if id_ not in self.orders}
            self.sagas = {id_: s for id_, s in self.sagas.items() if id_ in self.orders}
            await super().run_due()
            self.sagas |= returning
            for return_id, (_, at) in returning.items():
                if at <= self.now:
                    await self.run_step(return_id)

    def case(self, return_id) -> ReturnCase:
        order = next(order for order in self.orders.values() if return_id in order.returns)
        return ReturnCase(order=deepcopy(order), return_id=return_id)

    async def run_step(self, return_id, *, crash=False) -> None:
        """
        Run the step at which a return stands, as the saga runner does; if it is to *crash*, only
        up to where its outcome would be written down.
        """
        name, _ = self.sagas[return_id]
        step = next(step for step in self.return_steps() if step.name == name)
        case = self.case(return_id)
        (outcome,) = await step.act([case])
        if crash:
            return
        async with self.uow() as tx:
            if isinstance(outcome, TryAgain):
                tx.stories[return_id] = (name, self.now + timedelta(seconds=1))
                return
            if outcome.change:
                outcome.change(case, self.now)
                await tx.save([case.order])
            if outcome.next_step:
                tx.stories[return_id] = (outcome.next_step, self.now + outcome.wait)
            else:
                del tx.stories[return_id]

    async def receive(self, order_id, return_id, *goods, kind="RETURN", resolution="REFUND"):
        """
        Say that all is counted of a return, and run what follows.
        """
        command = NoteReturn(
            return_id=return_id,
            order_id=order_id,
            kind=ReturnKind(kind),
            resolution=Resolution(resolution),
            location_id=LocationId("" if kind == "CLAIM" else "main"),
            goods=goods,
        )
        async with self.uow() as tx:
            await note_returns([command], tx=tx, clock=self.clock)
        await self.run_due()

    async def lose(self, order_id, shipment_id, *, comes_back=False):
        command = NoteLostParcel(
            order_id=order_id, shipment_id=shipment_id, comes_back=comes_back, at=self.now
        )
        async with self.uow() as tx:
            await note_lost_parcels([command], tx=tx, clock=self.clock)
        await self.run_due()


def back(sku, accepted, *, sellable=None, damaged=0, reason="CHANGED_MIND"):
    """
    Some units of one SKU that came back; all that is accepted is sellable unless said otherwise.
    """
    return ReturnedGoods(
        sku=sku,
        sellable=accepted if sellable is None else sellable,
        damaged=damaged,
        accepted=accepted,
        reason=reason,
    )


def return_id(number):
    return ReturnId(UUID(int=1000 + number))


class RestockingBook(Book):
    async def restock(self, cases):
        if refused := self.ask("restock", cases):
            return [refused] * len(cases)
        for case in cases:
            for some in case.taken.goods:
                for condition, units in (("SELLABLE", some.sellable), ("DAMAGED", some.damaged)):
                    if units:
                        key = uuid5(case.return_id, some.sku + condition)
                        self.world.restocked.setdefault(key, (some.sku, condition, units))
        return [None] * len(cases)


class RefundsBook(Book):
    async def refund(self, cases):
        if refused := self.ask("refund", cases):
            return [refused] * len(cases)
        for case in cases:
            refund = case.taken.refund
            said = (refund.value.minor_units, refund.shipping.minor_units)
            # The same id with another amount is what payment would refuse.
            assert self.world.refunded.setdefault(case.return_id, said) == said
        return [None] * len(cases)


class DeskBook(Book):
    async def close(self, cases):
        if refused := self.ask("close", cases):
            return [refused] * len(cases)
        for case in cases:
            taken = case.taken
            refunded = taken.refund.value.minor_units if taken.is_owed else None
            self.world.closed[case.return_id] = (refunded, taken.replacement_id)
        return [None] * len(cases)
