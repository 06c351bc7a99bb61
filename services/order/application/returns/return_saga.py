"""
What happens after goods have come back and are counted, step by step.

    when                  then                                     or else
    ────────────────────  ───────────────────────────────────────  ──────────────────────────────
    all is counted        product books in what came back          refused → again, then a person
    restocked             to be paid back: the amount is decided   not charged yet → again
                          to be replaced: see below
                          nothing accepted: fulfillment closes it
    amount decided        payment pays it back                     refused → again, then a person
    to be replaced        an order for nothing is placed, and      what never leaves is paid back
                          followed until its goods have left       instead
    made good             fulfillment closes the return            refused → again, then a person
    the refund failed     it is asked for once more                refused → a person
    after all

Every step may run twice: each call carries the return's id, or one that is made of it, and the
other side does it once. The amount is decided in a transaction of its own, with the order: two
returns of one order never pay back the same money, and asked again it is the same. Nothing is ever
taken back: what cannot go on waits for a person (ADR-0037).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.saga.steps import Outcome, Step, TryAgain
from services.order.application.ports import UnitOfWork
from services.order.application.returns.place_replacements import place_replacements
from services.order.application.returns.ports import (
    Refunds,
    Restocking,
    ReturnCase,
    ReturnDesk,
)
from services.order.application.returns.return_outcomes import (
    CaseOutcome,
    after_closing,
    after_paying,
    after_placing,
    after_restocking,
    paid_elsewhere,
    restocked_elsewhere,
    told_elsewhere,
)
from services.order.domain.order_return import RefundShipping
from services.order.domain.refunds import MoreBackThanSent

FIRST_STEP = "restock_goods"
REFUND_STEP = "refund_goods"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSaga:
    """
    The steps, and whom they call.

    Attributes:
        refund_shipping: When shipping is paid back.
    """

    restocking: Restocking
    refunds: Refunds
    desk: ReturnDesk
    uow: UnitOfWork
    clock: Clock
    refund_shipping: RefundShipping

    def steps(self) -> Sequence[Step[ReturnCase]]:
        return (
            Step(
                name=FIRST_STEP,
                act=self.restock_goods,
                asks="product",
                lasting="the goods are where they were counted",
                skip=restocked_elsewhere,
            ),
            Step(
                name="decide_refund",
                act=self.decide_refund,
                asks="payment",
                lasting="it gets nothing",
            ),
            Step(
                name=REFUND_STEP,
                act=self.refund_goods,
                asks="payment",
                lasting="the goods are back, or were never received",
                skip=paid_elsewhere,
            ),
            Step(
                name="replace_goods",
                act=self.replace_goods,
                asks="order",
                lasting="the order that it places has a story of its own",
            ),
            Step(
                name="close_return",
                act=self.close_return,
                asks="fulfillment",
                lasting="it gets nothing",
                skip=told_elsewhere,
            ),
        )

    async def restock_goods(self, cases: Sequence[ReturnCase]) -> Sequence[CaseOutcome]:
        """
        Ask product to book in what came back.
        """
        answers = await self.restocking.restock(cases)
        return [after_restocking(case, answer) for case, answer in zip(cases, answers, strict=True)]

    async def decide_refund(self, cases: Sequence[ReturnCase]) -> Sequence[CaseOutcome]:
        """
        Decide what each return is worth. Payment hears of it only once that is written down.
        """
        return [self._decided(case) for case in cases]

    async def refund_goods(self, cases: Sequence[ReturnCase]) -> Sequence[CaseOutcome]:
        """
        Ask payment to pay back what was decided, where that is more than nothing.
        """
        owed = [case for case in cases if case.taken.is_owed]
        answers = await self.refunds.refund(owed) if owed else ()
        refused = {c.return_id: answer for c, answer in zip(owed, answers, strict=True) if answer}
        return [after_paying(refused.get(case.return_id)) for case in cases]

    async def replace_goods(self, cases: Sequence[ReturnCase]) -> Sequence[CaseOutcome]:
        """
        Place an order for the same goods at no price, and see how far it is.
        """
        orders = await place_replacements(cases, uow=self.uow, clock=self.clock)
        now = self.clock()
        return [after_placing(case, orders[case.return_id], now) for case in cases]

    async def close_return(self, cases: Sequence[ReturnCase]) -> Sequence[CaseOutcome]:
        """
        Tell fulfillment what was done.
        """
        answers = await self.desk.close(cases)
        return [after_closing(answer) for answer in answers]

    def _decided(self, case: ReturnCase) -> CaseOutcome:
        if case.taken.refund:
            return Outcome(next_step="refund_goods")
        try:
            case.order.refund_of(case.return_id, self.refund_shipping)
        except MoreBackThanSent as error:
            # The parcel it was in is not charged yet: the order's own saga sees to that.
            return TryAgain(because=str(error))

        def decide(case: ReturnCase, now: datetime) -> None:
            case.order.decide_refund(case.return_id, self.refund_shipping, now)

        return Outcome(change=decide, next_step="refund_goods", decides=True)
