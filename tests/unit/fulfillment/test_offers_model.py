"""Offers agree with a plain model of them, whatever happens in whatever order."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from services.fulfillment.domain.cancellation import CancellableWork
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.ranking import Candidate
from services.fulfillment.domain.work import Work
from tests.unit.fulfillment.conftest import FulfillmentWorld
from tests.unit.fulfillment.offers_model import NAMES, Offers, order

HOW = settings(
    max_examples=30,
    stateful_step_count=30,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)

ORDERS, AGES, PROVIDERS = st.integers(1, 4), st.integers(0, 2), st.sampled_from(NAMES)
ONCE_OR_TWICE = st.integers(1, 2)


class Machine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.offers = Offers(FulfillmentWorld())

    def teardown(self):
        self.loop.close()

    def do(self, times, verb, *args, **kwargs):
        for _ in range(times):
            self.loop.run_until_complete(verb(*args, **kwargs))

    @rule(times=ONCE_OR_TWICE, number=ORDERS)
    def confirm(self, times, number):
        self.do(times, self.offers.confirm, number)

    @rule(times=ONCE_OR_TWICE, number=ORDERS, age=AGES)
    def accept(self, times, number, age):
        # As its provider would: anybody's guess would mostly be wrong.
        id_ = self.offers.offer(number, age)
        told = [some[id_] for some in self.offers.told.values() if id_ in some]
        self.do(times, self.offers.accept, number, age, told[0].provider if told else "ace")

    @rule(times=ONCE_OR_TWICE, number=ORDERS, age=AGES, by=PROVIDERS)
    def accept_as_anybody(self, times, number, age, by):
        self.do(times, self.offers.accept, number, age, by)

    @rule(times=ONCE_OR_TWICE, number=ORDERS, age=AGES, by=PROVIDERS)
    def reject(self, times, number, age, by):
        self.do(times, self.offers.reject, number, age, by)

    @rule(times=ONCE_OR_TWICE)
    def expire(self, times):
        self.do(times, self.offers.expire)

    @rule(times=ONCE_OR_TWICE, number=ORDERS)
    def cancel(self, times, number):
        self.do(times, self.offers.cancel, number)

    @rule(times=ONCE_OR_TWICE, name=PROVIDERS, suspended=st.booleans())
    def suspend(self, times, name, suspended):
        self.do(times, self.offers.suspend, name, suspended=suspended)

    @rule(name=PROVIDERS, capacity=st.integers(0, 2))
    def hire(self, name, capacity):
        self.do(1, self.offers.hire, name, capacity)

    @rule(seconds=st.sampled_from([1, 15, 30, 6 * 3600]))
    def wait(self, seconds):
        self.offers.world.later(seconds=seconds)


def test_the_service_agrees_with_the_model():
    run_state_machine_as_test(Machine, settings=HOW)


@pytest.fixture
def offers(world):
    return Offers(world)


def who_is_asked(offers):
    (told,) = offers.told[order(1)].values()
    return told.provider


async def a_late_acceptance(offers):
    await offers.confirm(1)
    offers.world.later(seconds=30)
    await offers.accept(1, 0, who_is_asked(offers))


async def one_too_many(offers):
    for name in ("bea", "cy"):
        await offers.suspend(name, suspended=True)
    await offers.confirm(1)
    await offers.confirm(2)
    await offers.accept(1, 0, "ace")
    await offers.accept(2, 0, "ace")


async def a_cancellation_after_acceptance(offers):
    await offers.confirm(1)
    await offers.accept(1, 0, who_is_asked(offers))
    await offers.cancel(1)


async def an_order_while_a_day_is_full(offers):
    await one_too_many(offers)
    await offers.confirm(3)


STORIES = [
    a_late_acceptance,
    one_too_many,
    a_cancellation_after_acceptance,
    an_order_while_a_day_is_full,
]


@pytest.mark.parametrize("story", STORIES)
async def test_each_story_goes_well_as_it_is(offers, story):
    await story(offers)


async def caught(story, offers):
    with pytest.raises(AssertionError):
        await story(offers)


async def test_the_model_sees_an_expired_offer_accepted(offers, monkeypatch):
    # The mistake: an offer counts as open as long as no timer has come round.
    monkeypatch.setattr(Work, "lapse", lambda _self, _now: False)

    await caught(a_late_acceptance, offers)


async def test_the_model_sees_a_day_filled_beyond_its_capacity(offers, monkeypatch):
    monkeypatch.setattr(Provider, "has_room_after", lambda _self, _taken: True)

    await caught(one_too_many, offers)


async def test_the_model_sees_somebody_asked_whose_day_is_full(offers, monkeypatch):
    now = Candidate.now

    def never_full(*args, **kwargs):
        return replace(now(*args, **kwargs), is_full=False)

    monkeypatch.setattr(Candidate, "now", never_full)

    await caught(an_order_while_a_day_is_full, offers)


async def test_the_model_sees_a_place_that_is_not_given_back(offers, monkeypatch):
    give_up = CancellableWork._give_up

    def keep_the_place(work):
        give_up(work)
        work.notes.clear()

    monkeypatch.setattr(CancellableWork, "_give_up", keep_the_place)

    await caught(a_cancellation_after_acceptance, offers)


async def test_the_model_sees_two_live_offers(offers, monkeypatch):
    # The mistake: an offer that expired is left as it was.
    def lapse(work, now):
        return any(offer.is_overdue(now) for offer in work.offers)

    monkeypatch.setattr(Work, "lapse", lapse)
    await offers.confirm(1)
    offers.world.later(seconds=30)

    with pytest.raises(AssertionError):
        await offers.expire()
