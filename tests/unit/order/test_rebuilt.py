"""A history that was told anew takes the place of the old one, whoever of them heard more."""

from copy import deepcopy
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.order.domain.history.facts import Authorized, Captured
from services.order.domain.history.rebuilt import Rebuilt, take_over
from services.order.domain.history.summary import Funds, OrderSummary, Promise
from services.order.domain.values import AccountId, OrderStatus
from tests.order_lives import (
    COMPLETED,
    CONFIRMED,
    ORDER,
    PLACED,
    interleaved,
    lives,
    summary_of,
    tell,
)


def context_of(told, life):
    contexts = ("order", "payment", *["fulfillment"] * (len(life) - 2))
    return next(context for context, part in zip(contexts, life, strict=True) if told in part)


def rebuilt_from(told, life):
    rebuilt = Rebuilt(summary=OrderSummary(order_id=ORDER))
    for each in told:
        rebuilt.hear(context_of(each, life), each)
    return rebuilt.summary


@given(life=lives(), seed=st.integers(0, 2**32))
def test_whoever_heard_more_the_result_is_the_truth_in_the_end(life, seed):
    random = Random(seed)
    told = interleaved(life, random)
    heard, read = random.randint(0, len(told)), random.randint(0, len(told))
    live = summary_of(*told[:heard])

    live = take_over(rebuilt_from(told[:read], life), live).summary
    for each in told[heard:]:
        live.hear(each)

    assert live == summary_of(*told)


@given(life=lives(), seed=st.integers(0, 2**32))
def test_a_history_that_heard_no_more_is_put_right(life, seed):
    random = Random(seed)
    told = interleaved(life, random)
    heard = random.randint(0, len(told))
    wrong = summary_of(*told[:heard])
    wrong.promise = replace(wrong.promise, account_id=AccountId("thief"))
    wrong.funds = replace(wrong.funds, captured=-1)
    for work in wrong.works.values():
        work.units_dispatched += 7
    for taken_back in wrong.returns.values():
        taken_back.units += 7

    taken = take_over(rebuilt_from(told, life), deepcopy(wrong))

    assert taken.summary == summary_of(*told)
    assert not taken.is_behind


def test_of_an_aggregate_without_its_beginning_nothing_is_known():
    rebuilt = Rebuilt(summary=OrderSummary(order_id=ORDER))
    _, *rest = tell(ORDER, PLACED, CONFIRMED, COMPLETED)

    assert [rebuilt.hear("order", each) for each in rest] == [False, False]
    assert rebuilt.summary.promise == Promise()


def test_what_came_out_of_order_is_taken_up_where_it_fits():
    first, second, third = tell(ORDER, PLACED, CONFIRMED, COMPLETED)
    rebuilt = Rebuilt(summary=OrderSummary(order_id=ORDER))

    # As in a stream that lost an event and was filled again.
    heard = [rebuilt.hear("order", each) for each in (first, third, second, third)]

    assert heard == [True, False, True, True]
    assert rebuilt.summary.promise.status is OrderStatus.COMPLETED


def test_where_the_history_knows_more_it_waits_and_loses_nothing():
    live = summary_of(*tell(ORDER, PLACED, CONFIRMED), *tell(ORDER, Authorized()))
    read = summary_of(*tell(ORDER, PLACED), *tell(ORDER, Authorized(), Captured(total=1)))

    taken = take_over(read, live)

    assert taken.is_behind
    assert taken.summary.promise.status is OrderStatus.PLACED
    assert taken.summary.funds == Funds(version=2, authorized=True, captured=1)
