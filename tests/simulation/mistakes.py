"""Mistakes that the bench must catch, each planted into the world around the real saga."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.saga.runner import SagaRunner
from chassis.saga.steps import Outcome, Step, TryAgain
from chassis.saga.store import Claim
from services.order.application import saga_outcomes
from services.order.application.note_expired_authorizations import NoteExpiredAuthorization
from services.order.application.order_saga import OrderSaga
from services.order.application.participants import Pending, Refused
from services.order.domain.order import Order
from services.order.domain.shipment import Shipment
from services.order.domain.values import ShipmentId
from tests.simulation.memory import MemoryTransaction
from tests.simulation.network import NetworkFulfillment, NetworkPayments
from tests.simulation.process import Process
from tests.simulation.world import World


class CompensationMissing(World):
    """
    An order is given up, and nothing is given back.
    """

    def steps(self) -> Sequence[Step[Order]]:
        async def give_nothing_back(orders: Sequence[Order]) -> Sequence[Outcome[Order]]:
            return [Outcome(change=Order.finish_giving_up, next_step=None) for _ in orders]

        return [
            replace(step, act=give_nothing_back) if step.name == "compensate" else step
            for step in super().steps()
        ]


class VoidForgotten(World):
    """
    What is given up gives its goods back, and keeps the money.
    """

    def saga(self) -> OrderSaga:
        class Keeping(NetworkPayments):
            async def void(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
                return [None] * len(orders)

        return replace(super().saga(), payments=Keeping(self))


class CaptureWithoutKey(World):
    """
    Each call to take money carries an id of its own: asked again, it is taken again.
    """

    def saga(self) -> OrderSaga:
        chance = self.random

        class Keyless(NetworkPayments):
            async def capture(
                self, shipments: Sequence[tuple[Order, Shipment]]
            ) -> Sequence[Refused | None]:
                fresh = [
                    (order, replace(parcel, id=ShipmentId(UUID(int=chance.getrandbits(128)))))
                    for order, parcel in shipments
                ]
                return await super().capture(fresh)

        return replace(super().saga(), payments=Keyless(self))


class StepDeadlineForgotten(World):
    """
    A step waits for its answer however long that takes.
    """

    def make_runner(self, process: Process) -> SagaRunner[Order]:
        runner = super().make_runner(process)
        patient = [replace(step, within=timedelta(days=400)) for step in runner.steps]
        # The runner would not be made so.
        object.__setattr__(runner, "steps", patient)
        return runner


class DispatchDeadlineForgotten(World):
    """
    An order waits for its provider however long that takes.
    """

    async def live(self) -> None:
        promised = saga_outcomes.DISPATCH_WITHIN
        saga_outcomes.DISPATCH_WITHIN = timedelta(days=400)
        try:
            await super().live()
        finally:
            saga_outcomes.DISPATCH_WITHIN = promised


class ExpiryUnheard(World):
    """
    The money went, and the order is noted to be without it, but nobody wakes its saga.
    """

    async def note(self, note: Callable[..., Any], command: Any) -> None:
        if not isinstance(command, NoteExpiredAuthorization):
            await super().note(note, command)
            return
        async with self.uow() as tx:
            orders = await tx.orders.find([command.order_id])
            for order in orders.values():
                order.lose_authorization(version=command.version, now=self.clock())
            await tx.orders.save([*orders.values()])


class ClaimNotChecked(World):
    """
    Whoever comes late with an answer is believed, whatever has happened meanwhile.
    """

    def transaction(self) -> MemoryTransaction:
        tx = super().transaction()

        async def all_ours(_step: str, claims: Sequence[Claim]) -> set[UUID]:
            return {claim.id for claim in claims if claim.id in self.memory.sagas}

        tx.sagas.still_ours = all_ours  # type: ignore[method-assign]
        return tx


class NumberOfClaimNotChecked(World):
    """
    A step that was under way when its order changed is believed all the same: the change sleeps.
    """

    def transaction(self) -> MemoryTransaction:
        tx = super().transaction()

        async def ours_if_there(step: str, claims: Sequence[Claim]) -> set[UUID]:
            rows = self.memory.sagas
            return {c.id for c in claims if c.id in rows and rows[c.id].step == step}

        tx.sagas.still_ours = ours_if_there  # type: ignore[method-assign]
        return tx


class StepOfClaimNotChecked(World):
    """
    A claim is good at any step: a commit nobody heard of is undone by halves.
    """

    def transaction(self) -> MemoryTransaction:
        tx = super().transaction()

        async def ours_at_any_step(_step: str, claims: Sequence[Claim]) -> set[UUID]:
            rows = self.memory.sagas
            return {c.id for c in claims if c.id in rows and rows[c.id].claim == c.number}

        tx.sagas.still_ours = ours_at_any_step  # type: ignore[method-assign]
        return tx


class RefusalTakenForFailure(World):
    """
    A no is asked again and again, as though nobody had answered.
    """

    def saga(self) -> OrderSaga:
        class Stubborn(NetworkPayments):
            async def authorize(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
                answers = await super().authorize(orders)
                return [replace(answer, passing=True) if answer else None for answer in answers]

        return replace(super().saga(), payments=Stubborn(self))


class OutageTakenForRefusal(World):
    """
    Nobody there is heard as a no.
    """

    def saga(self) -> OrderSaga:
        class Touchy(NetworkPayments):
            async def authorize(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
                try:
                    return await super().authorize(orders)
                except OSError:
                    return [Refused(reason="UNAVAILABLE", passing=False)] * len(orders)

        return replace(super().saga(), payments=Touchy(self))


class DecisionNotWrittenDown(World):
    """
    An order is given up in memory only: after a crash, others say why.
    """

    def make_runner(self, process: Process) -> SagaRunner[Order]:
        runner = super().make_runner(process)
        steps = [replace(step, act=_undecided(step)) for step in runner.steps]
        object.__setattr__(runner, "steps", steps)
        return runner


def _undecided(step: Step[Order]) -> Callable[..., Any]:
    async def act(orders: Sequence[Order]) -> Sequence[Outcome[Order] | TryAgain]:
        return [
            replace(outcome, decides=False) if isinstance(outcome, Outcome) else outcome
            for outcome in await step.act(orders)
        ]

    return act


class AskedTakenForDone(World):
    """
    A provider who is asked to give the work up is taken for one who has.
    """

    def saga(self) -> OrderSaga:
        class Hasty(NetworkFulfillment):
            async def cancel(self, orders: Sequence[Order]) -> Sequence[Refused | Pending | None]:
                answers = await super().cancel(orders)
                return [None if isinstance(answer, Pending) else answer for answer in answers]

        return replace(super().saga(), fulfillment=Hasty(self))


MISTAKES = (
    AskedTakenForDone,
    CompensationMissing,
    VoidForgotten,
    CaptureWithoutKey,
    StepDeadlineForgotten,
    DispatchDeadlineForgotten,
    ExpiryUnheard,
    ClaimNotChecked,
    NumberOfClaimNotChecked,
    StepOfClaimNotChecked,
    RefusalTakenForFailure,
    OutageTakenForRefusal,
    DecisionNotWrittenDown,
)
