"""
Running a batch of sagas that somebody has claimed, to where each of them waits or ends.

What goes on at once runs its next step in memory; what waits, decides or ends is written down with
all that led there. What fails is sorted out: an outage puts the batch off, and of a batch that a
defect stops each saga runs again on its own.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock
from chassis.kernel.errors import Conflict
from chassis.outages import in_words, is_outage
from chassis.saga.steps import Move, Outcome, Step, TryAgain
from chassis.saga.store import Claim, Sagas
from chassis.telemetry.tracing import item_spans

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
# The longest pause before our own database is tried again.
AWAY_SECONDS = 2.0

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[S]):
    """
    Sagas that run together.

    Attributes:
        standing: The step at which the database has them; they may be further by now.
        leased_until: Until when nobody else runs them.
        changed: The subjects that are other than in the database.
    """

    standing: str
    claims: Sequence[Claim]
    subjects: Mapping[UUID, S]
    leased_until: datetime
    changed: Set[UUID] = frozenset()

    @property
    def unchanged(self) -> "Batch[S]":
        """
        The same, to be run again from where it stands: nothing of what was changed counts.
        """
        return replace(self, changed=frozenset())


@dataclass(frozen=True, slots=True)
class BatchRunner(Generic[S]):
    """
    Attributes:
        name: Of the kind of sagas.
        begin: Opens a transaction of the service.
        steps: All steps there are.
    """

    name: str
    begin: Begin[S]
    steps: Sequence[Step[S]]
    clock: Clock

    async def run(self, step: Step[S], batch: Batch[S]) -> None:
        """
        Run *step*, and what follows from it at once, for claimed sagas.
        """
        traces = {claim.id: claim.trace for claim in batch.claims}
        follow: Sequence[tuple[str, Batch[S]]] = ()
        with item_spans(f"saga {self.name}.{step.name}", traces):
            try:
                async with asyncio.timeout(step.within.total_seconds()):
                    outcomes = await step.act([batch.subjects[claim.id] for claim in batch.claims])
            except Exception as error:  # sorted out below: one by one, or put off
                await self._sort_out(step, batch, error)
                return
            try:
                follow = await self._go_on(step, batch, outcomes)
            except Exception as error:
                # What was changed may be half written down: nothing of it counts.
                await self._sort_out(self._step(batch.standing), batch.unchanged, error)
        for name, further in follow:
            await self.run(self._step(name), further)

    async def _go_on(
        self, step: Step[S], batch: Batch[S], outcomes: Sequence[Outcome[S] | TryAgain]
    ) -> Sequence[tuple[str, Batch[S]]]:
        """
        Write down what waits or ends, and return what goes on at once, with the step it goes to.
        """
        now = self.clock()
        on: dict[str, list[Claim]] = defaultdict(list)
        changed = set(batch.changed)
        settled: list[tuple[Claim, Outcome[S] | TryAgain]] = []
        for claim, outcome in zip(batch.claims, outcomes, strict=True):
            if not isinstance(outcome, Outcome) or not self._may_go_on(outcome, batch, now):
                settled.append((claim, outcome))
                continue
            if outcome.change:
                outcome.change(batch.subjects[claim.id], now)
                changed.add(claim.id)
            assert outcome.next_step
            on[outcome.next_step].append(claim)
        renewed = await self._finalize(step, batch, settled) if settled else ()
        further = [(n, replace(batch, claims=cs, changed=changed)) for n, cs in on.items()]
        return [*further, *renewed]

    def _may_go_on(self, outcome: Outcome[S], batch: Batch[S], now: datetime) -> bool:
        """
        Return whether a saga may run its next step before this one is written down: at once, and
        well within its lease.
        """
        if outcome.wait or outcome.decides or outcome.next_step is None:
            return False
        return now + self._step(outcome.next_step).within < batch.leased_until

    async def _sort_out(self, step: Step[S], batch: Batch[S], error: Exception) -> None:
        """
        Put off what an outage stopped; run again one by one what failed as a batch.
        """
        outage = is_outage(error)
        # One that changed meanwhile is no reason to put off the others.
        if outage and not isinstance(error, Conflict):
            await self._put_off(step, batch, error)
        elif len(batch.claims) == 1:
            if not outage:
                log.error("saga %s/%s failed", self.name, step.name, exc_info=error)
            await self._put_off(self._step(batch.standing), batch.unchanged, error)
        else:
            log.warning("saga %s/%s: %r; one by one", self.name, step.name, error)
            for claim in batch.claims:
                async with self.begin() as tx:
                    subjects = await tx.subjects([claim.id])
                one = replace(batch.unchanged, claims=[claim], subjects=subjects)
                await self.run(self._step(batch.standing), one)

    async def _put_off(self, step: Step[S], batch: Batch[S], error: Exception) -> None:
        """
        Let *step* run again later. If it is our database that is away, say so when it is back,
        rather than leave the sagas to their leases.
        """
        again = TryAgain(because=in_words(error)[:500], outage=is_outage(error))
        failures, late = 0, self.clock() + LEASE
        while True:
            try:
                await self._finalize(step, batch, [(claim, again) for claim in batch.claims])
            except Exception as error:
                if not is_outage(error) or self.clock() > late:
                    raise
                failures += 1
                step, batch = self._step(batch.standing), batch.unchanged
                await asyncio.sleep(backoff_seconds(failures, most=AWAY_SECONDS))
            else:
                return

    async def _finalize(
        self,
        step: Step[S],
        batch: Batch[S],
        outcomes: Sequence[tuple[Claim, Outcome[S] | TryAgain]],
    ) -> Sequence[tuple[str, Batch[S]]]:
        """
        Make *outcomes* true, and return what stays ours for another lease, with the step it goes
        to.
        """
        now = self.clock()
        follow: dict[str, list[Claim]] = defaultdict(list)
        async with self.begin() as tx:
            ours = await tx.sagas.still_ours(batch.standing, [claim for claim, _ in outcomes])
            changed = set(batch.changed)
            moves: list[Move] = []
            ended: list[UUID] = []
            # Others were woken or claimed again meanwhile: they run again.
            held = [(claim, outcome) for claim, outcome in outcomes if claim.id in ours]
            for claim, outcome in held:
                if isinstance(outcome, TryAgain):
                    moves.append(self._again(step, batch, claim, outcome))
                    continue
                if outcome.change:
                    outcome.change(batch.subjects[claim.id], now)
                    changed.add(claim.id)
                move = outcome.move(claim.id, due_at=now + (outcome.wait or LEASE))
                if move is None:
                    ended.append(claim.id)
                    continue
                moves.append(move)
                if not outcome.wait:
                    follow[move.step].append(replace(claim, attempts=0))
            await tx.sagas.move(moves, now=now)
            await tx.sagas.end(ended)
            await tx.save_subjects([batch.subjects[c.id] for c, _ in held if c.id in changed])
        return [
            (
                name,
                Batch(
                    standing=name,
                    claims=claims,
                    subjects=batch.subjects,
                    leased_until=now + LEASE,
                ),
            )
            for name, claims in follow.items()
        ]

    def _step(self, name: str) -> Step[S]:
        return next(step for step in self.steps if step.name == name)

    def _again(self, step: Step[S], batch: Batch[S], claim: Claim, outcome: TryAgain) -> Move:
        # How often it failed counts where it stands: a later step fails for the first time.
        attempts = claim.attempts + 1 if step.name == batch.standing else 1
        return Move(
            id=claim.id,
            step=step.name,
            due_at=self.clock() + step.retry.pause(attempts, outage=outcome.outage),
            attempts=attempts,
            last_error=outcome.because,
        )
