from datetime import timedelta
from uuid import UUID

import pytest

from chassis.kernel.clock import system_clock
from chassis.saga.runner import LEASE, SagaRunner
from chassis.saga.steps import Outcome, RetryPolicy, Step
from chassis.saga.store import Bells


async def act(subjects):
    return [Outcome(next_step=None) for _ in subjects]


def runner_of(*steps):
    return SagaRunner(name="test", begin=None, steps=steps, bells=Bells(), clock=system_clock)


def test_a_step_must_be_over_before_its_lease_is():
    with pytest.raises(AssertionError, match="within"):
        runner_of(Step(name="slow", act=act, within=LEASE))


def test_a_step_is_undone_by_one_that_exists():
    with pytest.raises(AssertionError, match="give_back"):
        runner_of(Step(name="take", act=act, undone_by="give_back"))

    assert runner_of(
        Step(name="take", act=act, undone_by="give_back"), Step(name="give_back", act=act)
    )


def test_two_steps_never_share_a_name():
    with pytest.raises(AssertionError, match="one name"):
        runner_of(Step(name="take", act=act), Step(name="take", act=act))


@pytest.mark.parametrize(("outage", "most"), [(True, 2), (False, 60)])
def test_pauses_grow_to_what_the_policy_says_and_no_further(outage, most):
    policy = RetryPolicy(first=timedelta(seconds=1), longest=timedelta(minutes=1))

    pauses = [policy.pause(attempts, outage=outage) for attempts in (1, 3, 30, 300)]

    assert timedelta(seconds=0.5) <= pauses[0] <= timedelta(seconds=1.5)
    assert max(pauses) <= timedelta(seconds=most + 0.5)


def test_an_outcome_without_a_next_step_ends_the_saga():
    due_at = system_clock()

    assert Outcome(next_step=None).move(UUID(int=1), due_at=due_at) is None
    move = Outcome(next_step="wait", waits_for="carrier").move(UUID(int=1), due_at=due_at)
    assert (move.step, move.due_at, move.waits_for) == ("wait", due_at, "carrier")
