"""
The saga runner: drives every saga to its end.

For each step one loop takes what is due, one saga or two hundred, and runs the step for all:

    PREPARE   one short transaction: claim them for the time of a lease, read their subjects
    REMOTE    the step calls other services; no transaction is open
    FINALIZE  one short transaction: lock the claims that still hold, change and save the
              subjects, tell their events, move the sagas on

A crash at any line leaves the claim to run out, and the step runs again. A batch that fails is
tried again one by one, so that one bad subject does not hold up the others.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock
from chassis.outages import is_outage
from chassis.saga.steps import Outcome, Step, TryAgain
from chassis.saga.store import Claim, Move, Sagas
from chassis.telemetry.tracing import item_spans
from chassis.wake import Wake

log = logging.getLogger(__name__)

BATCH = 200
LEASE = timedelta(seconds=15)
REMOTE_SECONDS = 10.0
SWEEP_SECONDS = 1.0

S = TypeVar("S")


class SagaTransaction(Protocol[S]):
    """
    What the runner needs of a service's transaction.
    """

    @property
    def sagas(self) -> Sagas: ...

    async def subjects(self, ids: Sequence[UUID]) -> dict[UUID, S]:
        """
        Return the subjects of *ids* that exist.
        """
        ...

    async def save_subjects(self, subjects: Sequence[S]) -> None:
        """
        Raises:
            Conflict: Someone else saved one of them since it was read.
        """
        ...


Begin = Callable[[], AbstractAsyncContextManager[SagaTransaction[S]]]


@dataclass(frozen=True, slots=True)
class SagaRunner(Generic[S]):
    """
    Attributes:
        begin: Opens a transaction of the service.
        steps: All steps there are.
        wake: Rung when a transaction has made a saga due. One a step: see `run`.
    """

    name: str
    begin: Begin[S]
    steps: Sequence[Step[S]]
    wake: Wake
    clock: Clock

    async def run(self) -> None:
        """
        Run the steps until cancelled.
        """
        bells = {step.name: Wake() for step in self.steps}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._spread(list(bells.values())))
            for step in self.steps:
                tasks.create_task(self._drive(step, bells[step.name]))

    async def _spread(self, bells: Sequence[Wake]) -> None:
        while True:
            await self.wake.wait(sweep_seconds=60)
            for bell in bells:
                bell.ring()

    async def _drive(self, step: Step[S], bell: Wake) -> None:
        failures = 0
        while True:
            try:
                ran, pause = await self.run_once(step)
            except Exception as error:  # the database is away; the sagas are safe in it
                failures += 1
                log.warning("saga %s/%s: %r", self.name, step.name, error)
                await asyncio.sleep(backoff_seconds(failures, most=2.0))
                continue
            failures = 0
            if not ran:
                await bell.wait(sweep_seconds=pause)

    async def run_once(self, step: Step[S], *, limit: int = BATCH) -> tuple[int, float]:
        """
        Run *step* for what is due; return for how many that was, and how many seconds to sleep
        at most if it was none.
        """
        now = self.clock()
        async with self.begin() as tx:
            claims = await tx.sagas.claim(step.name, limit=limit, lease=LEASE, now=now)
            if not claims:
                due_at = await tx.sagas.next_due(step.name)
                pause = (due_at - now).total_seconds() if due_at else SWEEP_SECONDS
                return 0, min(max(pause, 0.01), SWEEP_SECONDS)
            subjects = await tx.subjects([claim.id for claim in claims])
        await self._run_claims(step, claims, subjects)
        return len(claims), 0.0

    async def _run_claims(
        self, step: Step[S], claims: Sequence[Claim], subjects: dict[UUID, S]
    ) -> None:
        traces = {claim.id: claim.trace for claim in claims}
        with item_spans(f"saga {self.name}.{step.name}", traces):
            try:
                # Bounded well below the lease, so that nobody else runs it at the same time.
                async with asyncio.timeout(REMOTE_SECONDS):
                    outcomes = await step.act([subjects[claim.id] for claim in claims])
                await self._finalize(step, claims, subjects, outcomes)
            except Exception as error:  # sorted out below: one by one, or put off
                await self._sort_out(step, claims, error)

    async def _sort_out(self, step: Step[S], claims: Sequence[Claim], error: Exception) -> None:
        """
        Put off what an outage stopped; run again one by one what failed as a batch.
        """
        outage = is_outage(error)
        if len(claims) == 1 or outage:
            if not outage:
                log.error("saga %s/%s failed", self.name, step.name, exc_info=error)
            again = TryAgain(because=f"{type(error).__name__}: {error}"[:500])
            await self._finalize(step, claims, {}, [again] * len(claims))
            return
        log.warning("saga %s/%s: %r; one by one", self.name, step.name, error)
        for claim in claims:
            async with self.begin() as tx:
                subjects = await tx.subjects([claim.id])
            await self._run_claims(step, [claim], subjects)

    async def _finalize(
        self,
        step: Step[S],
        claims: Sequence[Claim],
        subjects: dict[UUID, S],
        outcomes: Sequence[Outcome[S] | TryAgain],
    ) -> None:
        now = self.clock()
        async with self.begin() as tx:
            ours = await tx.sagas.still_ours(claims)
            changed: list[S] = []
            moves: list[Move] = []
            ended: list[UUID] = []
            for claim, outcome in zip(claims, outcomes, strict=True):
                if claim.id not in ours:
                    continue  # woken or claimed again meanwhile: it runs again
                if isinstance(outcome, TryAgain):
                    moves.append(self._put_off(step, claim, outcome))
                    continue
                if outcome.change:
                    outcome.change(subjects[claim.id], now)
                    changed.append(subjects[claim.id])
                if outcome.next_step is None:
                    ended.append(claim.id)
                else:
                    moves.append(
                        Move(
                            id=claim.id,
                            step=outcome.next_step,
                            due_at=now + outcome.wait,
                            waits_for=outcome.waits_for,
                        )
                    )
            await tx.sagas.move(moves)
            await tx.sagas.end(ended)
            await tx.save_subjects(changed)

    def _put_off(self, step: Step[S], claim: Claim, outcome: TryAgain) -> Move:
        attempts = claim.attempts + 1
        return Move(
            id=claim.id,
            step=step.name,
            due_at=self.clock() + timedelta(seconds=backoff_seconds(attempts)),
            attempts=attempts,
            last_error=outcome.because,
        )
