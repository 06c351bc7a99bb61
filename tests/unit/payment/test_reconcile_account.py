"""Accounts are fetched and reconciled on demand and on a schedule: each time once, without gaps."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from services.payment.application.reconciliation.ports import PspAccountUnknown
from services.payment.application.reconciliation.reconcile_account import reconcile_account
from services.payment.application.reconciliation.reconcile_due_accounts import (
    LEASE,
    reconcile_due_accounts,
)
from services.payment.domain.ledger import Account
from services.payment.domain.settlement.report import ReportState
from services.payment.domain.values import PspAccount
from tests.settlements import EVENING, MAIN, MORNING, honest, make
from tests.unit.payment.reconciliation import MARGIN, Accounts, HonestPsp, ReconciliationWorld

DAY = timedelta(days=1)
BROKEN = PspAccount("broken")


class OnlyMain:
    def __init__(self, psp):
        self.psp = psp

    def rows(self, account, **between):
        if account != MAIN:
            raise PspAccountUnknown("no such key")
        return self.psp.rows(account, **between)


@pytest.fixture
def made():
    random = Random(11)
    return [make(random, lies=False) for _ in range(4)]


@pytest.fixture
def world(made):
    return ReconciliationWorld(*made)


@pytest.fixture
def psp(made):
    return HonestPsp(honest(made, Random(12)).rows)


async def reconcile(world, psp, *, pages=99, batches=99):
    return await reconcile_account(
        MAIN, psp=psp, matching=world.matching, pages=pages, batches=batches
    )


async def run_schedule(world, psp):
    return await reconcile_due_accounts(psp=psp, matching=world.matching, every=DAY)


async def test_what_the_psp_says_is_fetched_and_matched(world, psp):
    report = await reconcile(world, psp)

    assert report.state is ReportState.RECONCILED
    assert report.rows == report.matched == len(psp.listed)
    assert (report.begins, report.ends) == (MORNING, EVENING - MARGIN)
    assert world.held(Account.PSP_CLEARING) == {}


async def test_no_time_is_fetched_twice_and_none_is_left_out(world, psp):
    await reconcile(world, psp)
    assert await reconcile(world, psp) is None

    world.now += DAY
    report = await reconcile(world, psp)

    assert [(since, until) for since, until, _ in psp.asked] == [
        (MORNING, EVENING - MARGIN),
        (EVENING - MARGIN, EVENING - MARGIN + DAY),
    ]
    assert report.rows == 0


async def test_a_fetch_that_broke_off_goes_on_behind_the_last_row(world, psp):
    psp.dies_after = 2
    with pytest.raises(TimeoutError):
        await reconcile(world, psp)
    psp.dies_after = None
    world.now += DAY

    report = await reconcile(world, psp)

    assert psp.asked[1] == (MORNING, EVENING - MARGIN, psp.listed[3].row_id)
    assert report.rows == report.matched == len(psp.listed)


async def test_a_call_does_a_part_of_it(world, psp):
    states = []
    while not states or states[-1] is not ReportState.RECONCILED:
        states.append((await reconcile(world, psp, pages=1, batches=1)).state)

    assert set(states) == set(ReportState)
    assert world.held(Account.PSP_CLEARING) == {}


async def test_an_unknown_account_is_refused(world, psp):
    with pytest.raises(PspAccountUnknown) as refusal:
        await reconcile_account("other", psp=psp, matching=world.matching)

    assert refusal.value.field == "psp_account"


async def test_the_schedule_comes_round_once_a_day(world, psp):
    assert await run_schedule(world, psp) == 1
    assert await run_schedule(world, psp) == 0

    world.now += DAY

    assert await run_schedule(world, psp) == 1
    assert len(psp.asked) == 2


async def test_whoever_died_with_an_account_is_followed_by_another(world, psp):
    psp.dies_after = 0
    with pytest.raises(TimeoutError):
        await run_schedule(world, psp)
    psp.dies_after = None

    assert await run_schedule(world, psp) == 0
    world.now += LEASE
    assert await run_schedule(world, psp) == 1
    assert world.held(Account.PSP_CLEARING) == {}


async def test_an_account_that_always_fails_holds_up_no_other(world, psp):
    world.matching = replace(world.matching, accounts=Accounts(BROKEN, MAIN))
    for _ in range(2):
        with suppress(PspAccountUnknown):
            await run_schedule(world, OnlyMain(psp))

    assert world.held(Account.PSP_CLEARING) == {}
