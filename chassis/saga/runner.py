"""
The saga runner: drives every saga to its end.

For each step one loop takes what is due, one saga or two hundred, and runs the step for all:

    PREPARE   one short transaction: claim them for the time of a lease, read their subjects
    REMOTE    the step calls other services; no transaction is open
    FINALIZE  one short transaction: lock the claims that still hold, change and save the
              subjects, tell their events, move the sagas on

What goes on at once keeps its claim and runs its next step right away. A crash at any line leaves
the claim to run out, and the step runs again. A batch that fails is tried again one by one, so that
one bad subject does not hold up the others.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock
from chassis.kernel.errors import Conflict
from chassis.outages import is_outage
from chassis.saga.steps import Move, Outcome, Step, TryAgain
from chassis.saga.store import Bells, Claim, Sagas
from chassis.telemetry.tracing import item_spans

log = logging.getLogger(__name__)

BATCH = 200
LEASE = timedelta(seconds=15)
SWEEP_SECONDS = 1.0
# The longest pause before our own database is tried again.
AWAY_SECONDS = 2.0
# How many batches may be under way that began at the same step. With two the batches are half as
# large, and the machine does a tenth less (measured).
LANES = 1

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
        bells: Rung when a transaction has made a saga due.
        instance: The name of this process, no other's at the same time: what an earlier one of
            this name was at when it died goes on at once, not when its leases end.
    """

    name: str
    begin: Begin[S]
    steps: Sequence[Step[S]]
    bells: Bells
    clock: Clock
    instance: str = ""

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        assert len(set(names)) == len(names), f"two steps have one name: {names}"
        for step in self.steps:
            assert timedelta(0) < step.within < LEASE, f"{step.name}: within 0 to {LEASE}"
            assert step.undone_by in {"", *names}, f"{step.name}: undone by {step.undone_by}?"

    async def run(self) -> None:
        """
        Run the steps until cancelled.
        """
        if self.instance:
            await self.take_back()
        async with asyncio.TaskGroup() as tasks:
            for step in self.steps:
                tasks.create_task(self._drive(step))

    async def run_once(self, step: Step[S], *, limit: int = BATCH) -> int:
        """
        Run *step*, and what follows from it at once, for what is due; return for how many.
        """
        claims, subjects, _ = await self._prepare(step, limit)
        if claims:
            await self._run_claims(step, claims, subjects)
        return len(claims)

    async def take_back(self) -> None:
        """
        Make due what an earlier process of this name was at when it ended.
        """
        try:
            async with self.begin() as tx:
                count = await tx.sagas.take_back(self.instance, now=self.clock())
        except Exception as error:  # the leases run out by themselves
            log.warning("saga %s: left to their leases: %r", self.name, error)
        else:
            if count:
                log.info("saga %s: took back %s", self.name, count)

    async def _drive(self, step: Step[S]) -> None:
        bell, free, failures = self.bells.of(step.name), asyncio.Semaphore(LANES), 0

        async def run_lane(claims: Sequence[Claim], subjects: dict[UUID, S]) -> None:
            try:
                await self._run_claims(step, claims, subjects)
            except Exception as error:  # the leases run out, and the step runs again
                log.warning("saga %s/%s: %r", self.name, step.name, error)
            finally:
                free.release()

        async with asyncio.TaskGroup() as lanes:
            while True:
                # What comes due while all lanes are taken gathers into the next batch.
                await free.acquire()
                try:
                    claims, subjects, pause = await self._prepare(step, BATCH)
                except Exception as error:  # the database is away; the sagas are safe in it
                    free.release()
                    failures += 1
                    log.warning("saga %s/%s: %r", self.name, step.name, error)
                    await asyncio.sleep(backoff_seconds(failures, most=2.0))
                    continue
                failures = 0
                if claims:
                    lanes.create_task(run_lane(claims, subjects))
                else:
                    free.release()
                    await bell.wait(sweep_seconds=pause)

    async def _prepare(
        self, step: Step[S], limit: int
    ) -> tuple[Sequence[Claim], dict[UUID, S], float]:
        """
        Claim what is due and read its subjects; or return for how many seconds to sleep at most.
        """
        now = self.clock()
        async with self.begin() as tx:
            claims = await tx.sagas.claim(
                step.name, limit=limit, lease=LEASE, now=now, by=self.instance
            )
            if claims:
                return claims, await tx.subjects([claim.id for claim in claims]), 0.0
            due_at = await tx.sagas.next_due(step.name)
        pause = (due_at - now).total_seconds() if due_at else SWEEP_SECONDS
        return (), {}, min(max(pause, 0.01), SWEEP_SECONDS)

    async def _run_claims(
        self, step: Step[S], claims: Sequence[Claim], subjects: dict[UUID, S]
    ) -> None:
        """
        Run *step*, and what follows from it at once, for claimed sagas.
        """
        traces = {claim.id: claim.trace for claim in claims}
        follow: dict[str, list[Claim]] = {}
        with item_spans(f"saga {self.name}.{step.name}", traces):
            try:
                async with asyncio.timeout(step.within.total_seconds()):
                    outcomes = await step.act([subjects[claim.id] for claim in claims])
                follow = await self._finalize(step, claims, subjects, outcomes)
            except Exception as error:  # sorted out below: one by one, or put off
                await self._sort_out(step, claims, error)
        for name, again in follow.items():
            await self._run_claims(self._step(name), again, subjects)

    async def _sort_out(self, step: Step[S], claims: Sequence[Claim], error: Exception) -> None:
        """
        Put off what an outage stopped; run again one by one what failed as a batch.
        """
        outage = is_outage(error)
        # One that changed meanwhile is no reason to put off the others.
        if len(claims) == 1 or (outage and not isinstance(error, Conflict)):
            if not outage:
                log.error("saga %s/%s failed", self.name, step.name, exc_info=error)
            again = TryAgain(because=f"{type(error).__name__}: {error}"[:500], outage=outage)
            await self._give_back(step, claims, again)
            return
        log.warning("saga %s/%s: %r; one by one", self.name, step.name, error)
        for claim in claims:
            async with self.begin() as tx:
                subjects = await tx.subjects([claim.id])
            await self._run_claims(step, [claim], subjects)

    async def _give_back(self, step: Step[S], claims: Sequence[Claim], again: TryAgain) -> None:
        """
        Put off *claims*. If it is our database that is away, do so when it is back, rather than
        leave them to their leases.
        """
        failures, late = 0, self.clock() + LEASE
        while True:
            try:
                await self._finalize(step, claims, {}, [again] * len(claims))
            except Exception as error:
                if not is_outage(error) or self.clock() > late:
                    raise
                failures += 1
                await asyncio.sleep(backoff_seconds(failures, most=AWAY_SECONDS))
            else:
                return

    async def _finalize(
        self,
        step: Step[S],
        claims: Sequence[Claim],
        subjects: dict[UUID, S],
        outcomes: Sequence[Outcome[S] | TryAgain],
    ) -> dict[str, list[Claim]]:
        """
        Make *outcomes* true, and return the claims that stay ours, by the step that follows.
        """
        now = self.clock()
        follow: dict[str, list[Claim]] = {}
        async with self.begin() as tx:
            ours = await tx.sagas.still_ours(step.name, claims)
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
                move = outcome.move(claim.id, due_at=now + (outcome.wait or LEASE))
                if move is None:
                    ended.append(claim.id)
                    continue
                moves.append(move)
                # What goes on at once is ours for another lease: no need to claim and read again.
                if not outcome.wait:
                    follow.setdefault(move.step, []).append(replace(claim, attempts=0))
            await tx.sagas.move(moves, now=now)
            await tx.sagas.end(ended)
            await tx.save_subjects(changed)
        return follow

    def _step(self, name: str) -> Step[S]:
        return next(step for step in self.steps if step.name == name)

    def _put_off(self, step: Step[S], claim: Claim, outcome: TryAgain) -> Move:
        attempts = claim.attempts + 1
        return Move(
            id=claim.id,
            step=step.name,
            due_at=self.clock() + step.retry.pause(attempts, outage=outcome.outage),
            attempts=attempts,
            last_error=outcome.because,
        )
