"""
The saga runner: drives every saga to its end.

For each step one loop takes what is due, one saga or two hundred, and runs the step for all:

    PREPARE   one short transaction: claim them for the time of a lease, read their subjects
    REMOTE    the step calls other services; no transaction is open
    FINALIZE  one short transaction: lock the claims that still hold, change and save the
              subjects, tell their events, move the sagas on

What goes on at once runs its next step right away, and is written down with the step after which
it waits, decides or ends (ADR-0024). A crash at any line leaves the claim to run out, and all runs
again from the step that was written down. A batch that fails is tried again one by one, so that
one bad subject does not hold up the others.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock
from chassis.pace import Pace
from chassis.saga.batches import AWAY_SECONDS, LEASE, Batch, BatchRunner, Begin, S
from chassis.saga.steps import Step
from chassis.saga.store import Bells

log = logging.getLogger(__name__)

BATCH = 200
SWEEP_SECONDS = 1.0
# A step looks for what is due no more often than this.
GATHER_SECONDS = 0.03
# How many batches may be under way that began at the same step. With two the batches are half as
# large, and the machine does a tenth less (measured).
LANES = 1


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
        batch, _ = await self._prepare(step, limit)
        if batch is None:
            return 0
        await self._batches.run(step, batch)
        return len(batch.claims)

    @property
    def _batches(self) -> BatchRunner[S]:
        return BatchRunner(self.name, self.begin, self.steps, self.clock)

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
        pace = Pace(GATHER_SECONDS)

        async def run_lane(batch: Batch[S]) -> None:
            try:
                await self._batches.run(step, batch)
            except Exception as error:  # the leases run out, and the step runs again
                log.warning("saga %s/%s: %r", self.name, step.name, error)
            finally:
                free.release()

        async with asyncio.TaskGroup() as lanes:
            while True:
                # What comes due while all lanes are taken gathers into the next batch.
                await free.acquire()
                await pace.keep()
                try:
                    batch, pause = await self._prepare(step, BATCH)
                except Exception as error:  # the database is away; the sagas are safe in it
                    free.release()
                    failures += 1
                    log.warning("saga %s/%s: %r", self.name, step.name, error)
                    await asyncio.sleep(backoff_seconds(failures, most=AWAY_SECONDS))
                    continue
                failures = 0
                if batch:
                    lanes.create_task(run_lane(batch))
                else:
                    free.release()
                    await bell.wait(sweep_seconds=pause)

    async def _prepare(self, step: Step[S], limit: int) -> tuple[Batch[S] | None, float]:
        """
        Claim what is due and read its subjects; or return for how many seconds to sleep at most.
        """
        now = self.clock()
        async with self.begin() as tx:
            claims = await tx.sagas.claim(
                step.name, limit=limit, lease=LEASE, now=now, by=self.instance
            )
            if claims:
                batch = Batch(
                    standing=step.name,
                    claims=claims,
                    subjects=await tx.subjects([claim.id for claim in claims]),
                    leased_until=now + LEASE,
                )
                return batch, 0.0
            due_at = await tx.sagas.next_due(step.name)
        pause = (due_at - now).total_seconds() if due_at else SWEEP_SECONDS
        return None, min(max(pause, 0.01), SWEEP_SECONDS)
