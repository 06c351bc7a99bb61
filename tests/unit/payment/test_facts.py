from itertools import permutations

import pytest

from chassis.kernel.money import Money
from services.payment.domain import events
from services.payment.domain.facts import ChargebackState, RefundedElsewhere
from services.payment.domain.ledger import Account, EntryKind
from services.payment.domain.payment import NotExplained
from services.payment.domain.values import PspReference, TransactionKind
from tests.unit.payment.facts import chargeback

EUR_60, EUR_30 = Money(60_00, "EUR"), Money(30_00, "EUR")
NEEDS_RESPONSE, UNDER_REVIEW = ChargebackState.NEEDS_RESPONSE, ChargebackState.UNDER_REVIEW
WON, LOST = ChargebackState.WON, ChargebackState.LOST


@pytest.fixture
async def captured(world, payment_id, capture_id):
    await world.authorize(payment_id)
    await world.capture(payment_id, capture_id, EUR_60)
    return payment_id


async def tell_chargeback(world, payment_id, state):
    dispute = chargeback(EUR_60, state)
    return await world.tell(payment_id, lambda payment: payment.charge_back(dispute, now=world.now))


async def test_a_chargeback_takes_the_money(world, captured):
    payment = await tell_chargeback(world, captured, NEEDS_RESPONSE)

    assert payment.settled(TransactionKind.CHARGEBACK) == EUR_60
    assert world.balances()[Account.CHARGEBACKS] == 60_00
    assert world.balances()[Account.PSP_CLEARING] == 0
    told = world.events[-1]
    assert isinstance(told, events.ChargebackReceived)
    assert (told.chargeback_id, told.amount, told.reason) == ("dp_1", EUR_60, "fraudulent")


@pytest.mark.parametrize("end", [WON, LOST])
@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_dispute_told_in_any_order_ends_the_same(world, captured, order, end):
    states = [NEEDS_RESPONSE, UNDER_REVIEW, end]

    for place in (*order, *order):
        payment = await tell_chargeback(world, captured, states[place])

    won = end is WON
    assert payment.settled(TransactionKind.CHARGEBACK) == Money(0 if won else 60_00, "EUR")
    assert world.balances()[Account.CHARGEBACKS] == (0 if won else 60_00)
    told = [type(event) for event in world.events[2:]]
    assert told == [events.ChargebackReceived, events.ChargebackClosed]
    assert world.events[-1].won is won


def elsewhere(amount, *, failed=False):
    return RefundedElsewhere(
        authorization=PspReference("pi_1"),
        refund=PspReference("re_1"),
        amount=amount,
        failed=failed,
    )


async def test_a_refund_made_at_the_psp_counts_once(world, captured):
    for _ in range(2):
        payment = await world.tell(
            captured, lambda payment: payment.note_refund(elsewhere(EUR_30), now=world.now)
        )

    assert payment.settled(TransactionKind.REFUND) == EUR_30
    assert world.balances()[Account.REFUNDS] == 30_00
    assert world.events[-1].refund_id == "re_1"


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0), (1, 0, 1)])
async def test_one_that_fails_counts_no_more(world, captured, order):
    facts = [elsewhere(EUR_30), elsewhere(EUR_30, failed=True)]

    for fact in (facts[place] for place in order):
        payment = await world.tell(
            captured, lambda payment, fact=fact: payment.note_refund(fact, now=world.now)
        )

    assert payment.settled(TransactionKind.REFUND) == Money(0, "EUR")
    assert world.balances()[Account.REFUNDS] == 0


async def test_one_of_what_was_not_taken_as_far_as_we_know_waits(world, captured):
    with pytest.raises(NotExplained):
        await world.tell(
            captured,
            lambda payment: payment.note_refund(elsewhere(Money(60_01, "EUR")), now=world.now),
        )


async def test_every_entry_is_booked_for_a_cause_of_its_own(world, captured):
    await tell_chargeback(world, captured, NEEDS_RESPONSE)
    await tell_chargeback(world, captured, WON)

    causes = [(entry.cause_id, entry.kind) for entry in world.entries]
    assert len(set(causes)) == len(causes) == 3
    assert causes[-1][1] is EntryKind.CHARGEBACK_REVERSAL
