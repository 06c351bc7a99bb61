"""A question is asked at a Stripe that fails in every way; it must be done once, or not at all."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.kernel.money import Money
from services.payment.adapters.stripe.keys import MOST_KEYS, keys_of
from services.payment.adapters.stripe.questions import Asked, answer_to
from services.payment.adapters.stripe.replies import Silence
from services.payment.domain.values import (
    Approved,
    NoAnswer,
    PspReference,
    TransactionId,
)

YES = Approved(PspReference("pi_1"), Money(1, "EUR"))
FRESH = Asked(age=timedelta(0), before=False)
OLD = Asked(age=timedelta(hours=30), before=True)
QUIET = Asked(age=timedelta(hours=23, minutes=30), before=True)


class Stripe:
    """
    Keeps the answer to each key for ever, as long as a day lasts.

    Attributes:
        plan: What goes wrong, one for each request: "lost" on the way there, "late" and done only
            when the next one comes, "broken" on the way back, "failed" without effect, "failed
            after" it; else nothing.
    """

    key = TransactionId(UUID(int=1))
    looks_at_once = True

    def __init__(self, *plan):
        self.plan = list(plan)
        self.kept = {}
        self.done = 0
        self.asked = []
        self.under_way = []

    async def ask(self, idempotency_key):
        self.asked.append(idempotency_key)
        for late in self.under_way:
            self.done += late not in self.kept
            self.kept.setdefault(late, True)
        self.under_way.clear()
        trouble = self.plan.pop(0) if self.plan else ""
        if trouble == "late":
            self.under_way.append(idempotency_key)
            return Silence.UNCLEAR
        if trouble == "lost":
            return Silence.UNCLEAR
        replayed = idempotency_key in self.kept
        if not replayed:
            self.done += trouble != "failed"
            self.kept[idempotency_key] = "failed" not in trouble
        if trouble == "broken":
            return Silence.UNCLEAR
        if self.kept[idempotency_key]:
            return YES
        return Silence.SPENT if replayed else Silence.UNCLEAR

    async def look(self):
        return YES if self.done else None


async def test_a_key_is_used_once_if_all_goes_well():
    stripe = Stripe()

    assert await answer_to(stripe, FRESH) == YES
    assert stripe.asked == [str(stripe.key)]


@pytest.mark.parametrize("trouble", ["broken", "failed after"])
async def test_what_was_done_without_saying_so_is_found_by_looking(trouble):
    stripe = Stripe(trouble)

    assert await answer_to(stripe, FRESH) == YES
    assert stripe.done == 1


async def test_where_looking_is_dear_the_key_is_asked_again():
    stripe = Stripe("broken")
    stripe.looks_at_once = False

    assert [await answer_to(stripe, FRESH) for _ in range(2)] == [NoAnswer(), YES]
    assert stripe.done == 1


async def test_what_failed_for_good_without_effect_is_asked_under_the_next_key():
    stripe = Stripe("failed")

    assert [await answer_to(stripe, FRESH) for _ in range(2)] == [NoAnswer(), YES]
    assert stripe.asked == [str(stripe.key), str(stripe.key), f"{stripe.key}-2"]
    assert stripe.done == 1


async def test_what_failed_for_good_with_effect_is_not_done_again():
    stripe = Stripe("failed after")
    stripe.looks_at_once = False

    assert [await answer_to(stripe, FRESH) for _ in range(2)] == [NoAnswer(), YES]
    assert stripe.done == 1


async def test_a_stripe_that_only_fails_is_not_asked_for_ever():
    stripe = Stripe()
    stripe.kept = dict.fromkeys(keys_of(stripe.key, FRESH.age), False)

    assert await answer_to(stripe, FRESH) == NoAnswer()
    assert len(stripe.asked) == MOST_KEYS


async def test_what_is_old_and_has_happened_is_not_asked_again():
    stripe = Stripe()
    stripe.done = 1

    assert await answer_to(stripe, OLD) == YES
    assert stripe.asked == []


async def test_what_is_old_and_has_not_happened_is_asked_under_the_days_key():
    stripe = Stripe()

    assert await answer_to(stripe, OLD) == YES
    assert stripe.asked == [f"{stripe.key}-day1"]


async def test_at_the_end_of_a_day_nothing_is_asked():
    stripe = Stripe()

    assert await answer_to(stripe, QUIET) == NoAnswer()
    assert stripe.asked == []


@given(
    st.lists(st.sampled_from(["", "lost", "late", "broken", "failed", "failed after"]), max_size=12)
)
async def test_whatever_fails_it_is_done_once_and_found_out(plan):
    stripe = Stripe(*plan)
    answers = [await answer_to(stripe, FRESH) for _ in range(len(plan) + 2)]

    assert answers[-1] == YES
    assert stripe.done == 1


async def test_planted_who_believes_that_nothing_is_found_charges_twice():
    stripe = Stripe("late")
    for idempotency_key in ("key", "key-2"):
        if await stripe.look() is None:
            await stripe.ask(idempotency_key)

    assert stripe.done == 2


async def test_what_is_still_under_way_is_not_done_twice():
    stripe = Stripe("late")

    assert [await answer_to(stripe, FRESH) for _ in range(2)] == [NoAnswer(), YES]
    assert stripe.done == 1
