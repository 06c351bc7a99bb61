from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest

from chassis.kernel.money import Money
from services.fulfillment.domain.calendar import WorkingHours
from services.fulfillment.domain.performance import Performance
from services.fulfillment.domain.provider import Provider, ServiceTerms
from services.fulfillment.domain.ranking import (
    USUAL_WEIGHTS,
    Candidate,
    Exclusion,
    rank_candidates,
    ranking_for,
)
from services.fulfillment.domain.values import (
    LocationId,
    ProviderId,
    ServiceLevel,
    fulfillment_order_id,
)

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY, TOMORROW = date(2026, 3, 2), date(2026, 3, 3)


def asking(minor_units, currency="EUR", level=ServiceLevel.STANDARD):
    terms = ServiceTerms(
        service_level=level,
        cost=Money(minor_units, currency),
        transit_days_min=1,
        transit_days_max=2,
    )
    return (terms,)


def candidate(name, performance=None, *, until=MONDAY, **known):
    provider = Provider(id=ProviderId(name), name=name, **known)
    return Candidate.now(provider, performance or Performance(), now=MONDAY, until=until)


def ranked(*candidates, level=ServiceLevel.STANDARD):
    return rank_candidates(
        candidates, country_code="GB", service_level=level, weights=USUAL_WEIGHTS
    )


def names(ranking):
    return [some.provider_id for some in ranking]


def test_rank_comes_before_everything_else():
    dear = candidate("dear", rank=1, terms=asking(9_00))
    cheap = candidate("cheap", rank=2, terms=asking(1_00))

    assert names(ranked(cheap, dear)) == ["dear", "cheap"]


def test_the_cheapest_of_equals_comes_first():
    cheap, mean, dear = ranked(
        candidate("c", terms=asking(4_00)),
        candidate("a", terms=asking(1_00)),
        candidate("b", terms=asking(2_00)),
    )

    assert [cheap.factors.cost, mean.factors.cost, dear.factors.cost] == [1.0, 0.75, 0.25]
    assert names([cheap, mean, dear]) == ["a", "b", "c"]


def test_what_costs_nothing_is_cheapest_in_any_currency():
    free, euro, yen = ranked(
        candidate("a"), candidate("b", terms=asking(4_00)), candidate("c", terms=asking(4, "JPY"))
    )

    assert [free.factors.cost, euro.factors.cost, yen.factors.cost] == [1.0, 0.0, 0.0]


def test_amounts_in_two_currencies_are_not_compared():
    ranking = ranked(candidate("a", terms=asking(4_00)), candidate("b", terms=asking(500, "JPY")))

    assert [some.factors.cost for some in ranking] == [1.0, 1.0]


def test_who_did_badly_comes_later():
    bad = Performance(accepted=2, rejected=28, parcels=20, on_time=5, lost=4, damaged=3)

    good_one, bad_one = ranked(candidate("a", bad), candidate("b"))

    assert names([good_one, bad_one]) == ["b", "a"]
    assert good_one.factors.score == pytest.approx(1.0)
    # (2 + 10) of (30 + 10), (5 + 10) and (13 + 10) of (20 + 10).
    assert bad_one.factors.score == pytest.approx(0.4 * 12 / 40 + 0.4 * 15 / 30 + 0.2 * 23 / 30)


def test_more_harm_than_parcels_is_no_worse_than_all():
    assert Performance(parcels=1, on_time=1, damaged=50).score == pytest.approx(0.8 + 0.2 * 10 / 11)


def test_the_emptier_day_comes_first():
    full, empty = Performance(taken={TODAY: 9}), Performance(taken={TODAY: 1})

    ranking = ranked(
        candidate("a", full, daily_capacity=10), candidate("b", empty, daily_capacity=10)
    )

    assert names(ranking) == ["b", "a"]
    assert [some.factors.capacity for some in ranking] == [0.9, 0.1]


@pytest.mark.parametrize(
    ("known", "performance", "excluded"),
    [
        ({"suspended": True}, None, Exclusion.SUSPENDED),
        ({"regions": frozenset({"FR"})}, None, Exclusion.REGION),
        ({"terms": asking(0, level=ServiceLevel.EXPRESS)}, None, Exclusion.SERVICE_LEVEL),
        ({"daily_capacity": 3}, Performance(taken={TODAY: 3}), Exclusion.CAPACITY),
        ({"daily_capacity": 4}, Performance(taken={TODAY: 3}), None),
        ({"daily_capacity": 3}, Performance(taken={TOMORROW: 3}), None),
    ],
)
def test_who_cannot_is_not_asked_and_it_says_why(known, performance, excluded):
    (only,) = ranked(candidate("a", performance, **known))

    assert only.excluded is excluded


def test_whoever_may_accept_after_the_cutoff_needs_room_on_the_next_day_too():
    known = {"daily_capacity": 3, "hours": WorkingHours(cutoff=time(12, 1))}
    full_tomorrow = Performance(taken={TOMORROW: 3})

    until = MONDAY + timedelta(minutes=1)
    (in_time,) = ranked(candidate("a", full_tomorrow, **known))
    (too_late,) = ranked(candidate("a", full_tomorrow, until=until, **known))

    assert in_time.excluded is None
    assert too_late.excluded is Exclusion.CAPACITY


def test_equals_share_the_work():
    ranking = ranked(*(candidate(name) for name in "abc"))
    works = [fulfillment_order_id(UUID(int=n), LocationId("leeds")) for n in range(600)]

    first = [ranking_for(ranking, work=work, asked=())[0].provider_id for work in works]

    assert all(150 < first.count(name) < 250 for name in "abc")


def test_near_equals_share_the_work_and_others_do_not():
    near, far = Performance(accepted=9, rejected=1), Performance(rejected=40)
    ranking = ranked(candidate("a"), candidate("b", near), candidate("c", far))
    works = [fulfillment_order_id(UUID(int=n), LocationId("leeds")) for n in range(40)]

    first = {ranking_for(ranking, work=work, asked=())[0].provider_id for work in works}

    assert first == {"a", "b"}


def test_who_was_asked_is_not_asked_again():
    ranking = ranked(candidate("a"), candidate("b"), candidate("c", suspended=True))

    again = ranking_for(ranking, work=UUID(int=2), asked={ProviderId("a")})

    assert [(some.provider_id, some.excluded) for some in again] == [
        ("b", None),
        ("a", Exclusion.ALREADY_ASKED),
        ("c", Exclusion.SUSPENDED),
    ]


def test_only_how_weights_compare_matters():
    candidates = [candidate("a", terms=asking(3_00)), candidate("b", terms=asking(1_00))]
    doubled = replace(USUAL_WEIGHTS, cost=0.8, score=0.8, capacity=0.4)

    again = rank_candidates(
        candidates, country_code="GB", service_level=ServiceLevel.STANDARD, weights=doubled
    )

    assert again == ranked(*candidates)
