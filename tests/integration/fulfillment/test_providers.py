"""Providers, their days and the rankings they lead to, on PostgreSQL."""

import asyncio
from datetime import date, time, timedelta

import pytest
from sqlalchemy import text

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from services.fulfillment.adapters import provider_days
from services.fulfillment.adapters.provider_days import SqlProviderDays
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.providers.explain_offers import explain_offers
from services.fulfillment.application.providers.get_provider import get_provider
from services.fulfillment.application.providers.rank_providers import RankProviders, rank_providers
from services.fulfillment.application.providers.resume_provider import resume_provider
from services.fulfillment.application.providers.suspend_provider import (
    SuspendProvider,
    suspend_provider,
)
from services.fulfillment.application.reject_offers import RejectOffer, reject_offers
from services.fulfillment.domain import refusals
from services.fulfillment.domain.calendar import WorkingHours
from services.fulfillment.domain.performance import Performance, ProviderNote
from services.fulfillment.domain.provider import ServiceTerms
from services.fulfillment.domain.ranking import Exclusion
from services.fulfillment.domain.values import (
    FulfillmentOrderId,
    FulfillmentOrderStatus,
    OrderId,
    ProviderId,
    ServiceLevel,
)
from tests.integration.counting import counted

ACE, BEA = ProviderId("ace"), ProviderId("bea")
# The clock stands at noon of Sunday, 1 March 2026.
MONDAY = date(2026, 3, 2)


def orders(count):
    return [OrderId(new_id()) for _ in range(count)]


def acceptance(work):
    return AcceptOffer(offer_id=work.live_offer.id, provider_id=work.live_offer.provider_id)


async def look_at(fulfillment, provider_id=ACE):
    watched = await get_provider(provider_id, uow=fulfillment.uow, clock=fulfillment.clock)
    return watched.performance


async def cancel(fulfillment, order_id):
    async with fulfillment.uow() as tx:
        found = await tx.fulfillment_orders.of_orders([order_id])
        for work in found:
            work.cancel()
        await tx.fulfillment_orders.save(found)


async def test_a_provider_comes_back_as_it_was_put(fulfillment):
    known = {
        "regions": frozenset({"GB"}),
        "rank": 3,
        "suspended": True,
        "suspension_reason": "holidays",
        "terms": (
            ServiceTerms(
                service_level=ServiceLevel.EXPRESS,
                cost=Money(4_50, "EUR"),
                transit_days_min=0,
                transit_days_max=1,
            ),
            ServiceTerms(
                service_level=ServiceLevel.STANDARD, transit_days_min=2, transit_days_max=4
            ),
        ),
        "daily_capacity": 40,
        "hours": WorkingHours(
            time_zone="Europe/London",
            weekdays=frozenset({1, 6}),
            cutoff=time(14, 30),
            holidays=frozenset({date(2026, 12, 25)}),
        ),
    }
    await fulfillment.given_provider("ace", **known)

    watched = await get_provider(ACE, uow=fulfillment.uow, clock=fulfillment.clock)

    assert {name: getattr(watched.provider, name) for name in known} == known
    assert watched.performance == Performance()
    assert watched.day == MONDAY


async def test_who_is_suspended_is_as_before_once_resumed(fulfillment):
    await fulfillment.given_provider("ace", rank=3)
    command = SuspendProvider(provider_id=ACE, reason="strike")

    for _ in range(2):
        suspended = await suspend_provider(command, uow=fulfillment.uow)
    for _ in range(2):
        resumed = await resume_provider(ACE, uow=fulfillment.uow)

    assert (suspended.suspended, suspended.suspension_reason) == (True, "strike")
    assert (resumed.suspended, resumed.suspension_reason, resumed.rank) == (False, "", 3)


async def test_nobody_can_look_after_a_provider_that_there_is_not(fulfillment):
    command = SuspendProvider(provider_id=ACE, reason="")

    for asked in (
        get_provider(ACE, uow=fulfillment.uow, clock=fulfillment.clock),
        suspend_provider(command, uow=fulfillment.uow),
        resume_provider(ACE, uow=fulfillment.uow),
    ):
        with pytest.raises(refusals.ProviderNotFound):
            await asked


async def test_of_many_at_once_as_many_are_accepted_as_there_is_room_for(fulfillment):
    await fulfillment.given_provider("ace", rank=1, daily_capacity=5)
    await fulfillment.given_provider("bea", rank=2)
    all_work = await fulfillment.given_work(*orders(20))

    answers = await asyncio.gather(
        *(accept_offers([acceptance(work)], **fulfillment.offering) for work in all_work)
    )

    refused = [a.reason for (a,) in answers if isinstance(a, DomainError)]
    assert refused == ["CAPACITY_EXCEEDED"] * 15
    seen = await look_at(fulfillment)
    assert (seen.taken, seen.accepted, seen.rejected) == ({MONDAY: 5}, 5, 15)
    asked_next = await fulfillment.work_on(*(work.order_id for work in all_work))
    states = [work.live_offer.provider_id for work in asked_next if work.live_offer.is_open]
    assert states == ["bea"] * 15


async def test_a_day_that_is_read_and_not_locked_is_overfilled(fulfillment, monkeypatch):
    await fulfillment.given_provider("ace", daily_capacity=1)
    all_work = await fulfillment.given_work(*orders(2))
    both_have_read = asyncio.Barrier(2)

    async def read(self, days):
        await both_have_read.wait()
        recent = await self.recent([id_ for id_, _ in days], fulfillment.now)
        return {(id_, day): recent.get(id_, Performance()).taken.get(day, 0) for id_, day in days}

    monkeypatch.setattr(SqlProviderDays, "lock", read)
    monkeypatch.setattr(SqlProviderDays, "note", patiently(SqlProviderDays.note, both_have_read))

    await asyncio.gather(
        *(accept_offers([acceptance(work)], **fulfillment.offering) for work in all_work)
    )

    assert (await look_at(fulfillment)).taken == {MONDAY: 2}


def patiently(note, both_have_read):
    """
    Return *note*, which writes only once both have read.
    """

    async def noted(self, notes):
        await both_have_read.wait()
        await note(self, notes)

    return noted


async def test_a_place_is_given_back_once_and_can_be_taken_again(fulfillment):
    await fulfillment.given_provider("ace", daily_capacity=1)
    first, second = orders(2)
    await fulfillment.given_accepted_work(first)

    await asyncio.gather(*(cancel(fulfillment, first) for _ in range(3)))
    (work,) = await fulfillment.given_accepted_work(second)

    assert work.status is FulfillmentOrderStatus.IN_PROGRESS
    seen = await look_at(fulfillment)
    assert (seen.taken, seen.accepted) == ({MONDAY: 1}, 2)


async def test_overlapping_batches_fill_days_without_waiting_in_a_circle(fulfillment):
    for name in ("ace", "bea", "cy"):
        await fulfillment.given_provider(name, daily_capacity=1_000)
    all_work = await fulfillment.given_work(*orders(60))
    commands = [acceptance(work) for work in all_work]
    declined = [
        RejectOffer(offer_id=c.offer_id, provider_id=c.provider_id, reason="") for c in commands
    ]

    await asyncio.gather(
        accept_offers(commands[:40], **fulfillment.offering),
        accept_offers(commands[39:19:-1], **fulfillment.offering),
        reject_offers(declined[30:], **fulfillment.offering),
        reject_offers(declined[:50:-1], **fulfillment.offering),
    )

    seen = [await look_at(fulfillment, ProviderId(name)) for name in ("ace", "bea", "cy")]
    work = await fulfillment.work_on(*(work.order_id for work in all_work))
    accepted = [w for w in work if w.status is FulfillmentOrderStatus.IN_PROGRESS]
    assert sum(one.taken.get(MONDAY, 0) for one in seen) == len(accepted)
    assert sum(one.offers for one in seen) == len(commands)


async def test_what_is_older_than_30_days_counts_no_more(fulfillment):
    await fulfillment.given_provider("ace")
    today = fulfillment.now.date()
    async with fulfillment.uow() as tx:
        await tx.provider_days.note(
            [
                ProviderNote(provider_id=ACE, day=today - timedelta(days=30), lost=1, parcels=1),
                ProviderNote(provider_id=ACE, day=today - timedelta(days=29), rejected=1),
                ProviderNote(provider_id=ACE, day=today, damaged=3),
                ProviderNote(provider_id=ACE, day=today, accepted=2, taken=2),
            ]
        )

    seen = await look_at(fulfillment)

    assert seen == Performance(accepted=2, rejected=1, damaged=3, taken={today: 2})


async def test_each_offer_tells_the_ranking_that_led_to_it(fulfillment, order_id):
    await fulfillment.given_provider("ace", rank=1)
    await fulfillment.given_provider("bea", rank=2)
    await fulfillment.given_provider("cy", suspended=True)
    (work,) = await fulfillment.given_work(order_id)
    offer = work.live_offer
    rejection = RejectOffer(offer_id=offer.id, provider_id=ACE, reason="too far")
    await reject_offers([rejection], **fulfillment.offering)
    # A change of the offer leaves alone why it was made.
    (work,) = await fulfillment.work_on(order_id)

    first, second = await explain_offers(work.id, uow=fulfillment.uow)

    assert [(first.offer_id, first.provider_id), second.provider_id] == [(offer.id, "ace"), "bea"]
    assert [(r.provider_id, r.excluded) for r in first.ranking] == [
        ("ace", None),
        ("bea", None),
        ("cy", Exclusion.SUSPENDED),
    ]
    assert [(r.provider_id, r.excluded) for r in second.ranking][:2] == [
        ("bea", None),
        ("ace", Exclusion.ALREADY_ASKED),
    ]
    assert first.ranking[0].factors.total == 1.0


async def test_there_is_nothing_to_explain_of_work_that_there_is_not(fulfillment):
    with pytest.raises(refusals.FulfillmentOrderNotFound):
        await explain_offers(FulfillmentOrderId(new_id()), uow=fulfillment.uow)


async def test_ranking_takes_as_many_statements_for_many_providers_as_for_one(fulfillment):
    command = RankProviders(country_code="GB", service_level=ServiceLevel.STANDARD)

    async def statements():
        with counted(fulfillment.database) as seen:
            await rank_providers(command, **fulfillment.offering)
        return len(seen)

    await fulfillment.given_provider("ace")
    one = await statements()
    for number in range(30):
        await fulfillment.given_provider(f"p-{number}")

    assert await statements() == one == 2


async def test_a_ranking_reads_no_more_after_years_than_after_a_month(fulfillment):
    fill = text(
        """
        INSERT INTO provider_days
        SELECT 'p-' || provider, CAST(:today AS date) - day, 1, 1, 0, 0, 1, 1, 0, 0
        FROM generate_series(1, 10) AS provider, generate_series(0, 1500) AS day
        """
    )
    explain = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {provider_days._RECENT.text}")
    today = fulfillment.now.date()
    async with fulfillment.database.begin() as tx:
        await tx.run(fill, {"today": today})
        await tx.run(text("ANALYZE provider_days"), {})
        (row,) = await tx.rows(
            explain,
            {
                "ids": [f"p-{number}" for number in range(1, 11)],
                "since": today - timedelta(days=30),
                "filled_from": today,
            },
        )

    (plan,) = row[0]
    assert rows_touched(plan["Plan"]) <= 300


def rows_touched(node):
    below = [rows_touched(child) for child in node.get("Plans", ())]
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return max([seen * node["Actual Loops"], *below])
