from datetime import timedelta
from itertools import permutations, product

import pytest

from chassis.kernel.card_numbers import CardNumberRefused
from chassis.kernel.money import Money
from chassis.kernel.text import TextMalformed
from services.payment.application.chargebacks.ports import ChargebackNotFound
from services.payment.application.chargebacks.resolve_evidence import resolve_evidence
from services.payment.application.chargebacks.submit_chargeback_evidence import (
    SubmitChargebackEvidence,
    submit_chargeback_evidence,
)
from services.payment.application.chargebacks.warn_of_evidence_due import warn_of_evidence_due
from services.payment.application.conversation import PspOutcomeUnknown
from services.payment.domain.chargeback import (
    ChargebackClosed,
    Evidence,
    EvidenceAlreadySubmitted,
    EvidenceDeclined,
    EvidenceOverdue,
    EvidenceTaken,
    chargeback_of,
)
from services.payment.domain.facts import ChargebackState
from services.payment.domain.values import MAIN_MERCHANT, ChargebackId, Declined, NoAnswer
from tests.unit.payment.facts import chargeback
from tests.unit.payment.told import ACCOUNT

EUR_60 = Money(60_00, "EUR")
DISPUTED = ChargebackId("dp_1")
DELIVERED = Evidence(text="It was delivered on Monday.", tracking_number="1Z 999")
NEEDS_RESPONSE, UNDER_REVIEW = ChargebackState.NEEDS_RESPONSE, ChargebackState.UNDER_REVIEW
WON, LOST = ChargebackState.WON, ChargebackState.LOST


class InMemoryDisputes:
    """
    A PSP that takes evidence once a key.

    Attributes:
        answers: What it answers to the next asks, before it goes on as usual.
        after: What happens elsewhere while it is asked, once.
    """

    def __init__(self):
        self.taken = {}
        self.asked = 0
        self.answers = []
        self.after = None

    async def submit_evidence(self, account, chargeback_id, evidence, *, key):
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else EvidenceTaken()
        if not isinstance(answer, Declined):  # it takes it, and may not say so
            self.taken[key] = (account, chargeback_id, evidence)
        if self.after:
            after, self.after = self.after, None
            await after()
        return answer


@pytest.fixture
def disputes():
    return InMemoryDisputes()


@pytest.fixture
def submit(world, disputes):
    async def submit(evidence=DELIVERED, chargeback_id=DISPUTED):
        command = SubmitChargebackEvidence(chargeback_id=chargeback_id, evidence=evidence)
        return await submit_chargeback_evidence(
            command, uow=world.uow, disputes=disputes, clock=world.clock
        )

    return submit


@pytest.fixture
def told(world, payment_id):
    """
    Tell how the dispute stands.
    """

    async def told(state=NEEDS_RESPONSE, **more):
        fact = chargeback(EUR_60, state, **more)
        async with world.uow() as tx:
            known = (await tx.chargebacks.open({DISPUTED})).get(DISPUTED)
            if known:
                known.note(fact)
            else:
                known = chargeback_of(
                    fact, payment_id=payment_id, merchant=MAIN_MERCHANT, account=ACCOUNT
                )
            await tx.chargebacks.save([known])

    return told


def kept(world):
    return world.chargebacks.by_id[DISPUTED]


async def test_evidence_goes_to_the_psp_and_the_bank_decides(world, told, submit, disputes):
    await told()

    answer = await submit()

    assert answer.state is UNDER_REVIEW
    assert answer.submitted_at == world.now
    assert list(disputes.taken.values()) == [(ACCOUNT, DISPUTED, DELIVERED)]


async def test_what_the_psp_has_is_kept_there(world, told, submit):
    await told()
    await submit()

    assert kept(world).evidence is None
    assert kept(world).fingerprint == DELIVERED.fingerprint


async def test_the_same_evidence_again_is_submitted_once(told, submit, disputes):
    await told()

    answers = [await submit() for _ in range(3)]

    assert disputes.asked == 1
    assert {answer.state for answer in answers} == {UNDER_REVIEW}


async def test_other_evidence_is_refused_once_some_was_submitted(told, submit, disputes):
    await told()
    disputes.answers.append(NoAnswer())
    await submit()

    with pytest.raises(EvidenceAlreadySubmitted):
        await submit(Evidence(text="Another story."))
    await submit()
    with pytest.raises(EvidenceAlreadySubmitted):
        await submit(Evidence(text="Another story."))


async def test_evidence_that_was_submitted_in_the_psps_office_is_not_written_over(told, submit):
    await told(UNDER_REVIEW)

    with pytest.raises(EvidenceAlreadySubmitted):
        await submit()


@pytest.mark.parametrize("end", [WON, LOST])
async def test_nothing_is_submitted_once_the_bank_has_decided(told, submit, end):
    await told(end)

    with pytest.raises(ChargebackClosed):
        await submit()


async def test_evidence_is_due_in_time(world, told, submit):
    await told()
    world.now = kept(world).evidence_due_at + timedelta(microseconds=1)

    with pytest.raises(EvidenceOverdue):
        await submit()
    world.now -= timedelta(microseconds=1)
    await submit()


async def test_nobody_submits_evidence_for_what_does_not_exist(submit):
    with pytest.raises(ChargebackNotFound):
        await submit()


async def test_a_psp_that_does_not_answer_is_asked_again_under_the_same_key(
    world, told, submit, disputes
):
    await told()
    disputes.answers.append(NoAnswer())

    assert await submit() == PspOutcomeUnknown(kept(world).payment_id)
    assert kept(world).state is NEEDS_RESPONSE

    answer = await submit()
    assert answer.state is UNDER_REVIEW
    assert (disputes.asked, len(disputes.taken)) == (2, 1)


async def test_what_stayed_unknown_is_resolved_by_the_worker(world, told, submit, disputes):
    await told()
    disputes.answers.append(NoAnswer())
    await submit()

    async def resolve():
        return await resolve_evidence(uow=world.uow, disputes=disputes, clock=world.clock)

    assert await resolve() == 0
    world.now += timedelta(seconds=5)
    assert await resolve() == 1
    assert kept(world).submitted_at == world.now
    assert await resolve() == 0


async def test_evidence_that_the_psp_declines_makes_room_for_other(world, told, submit, disputes):
    await told()
    disputes.answers.append(Declined("evidence_invalid"))

    with pytest.raises(EvidenceDeclined, match="evidence_invalid"):
        await submit()

    assert kept(world).evidence is None
    answer = await submit(Evidence(text="Another story."))
    assert answer.state is UNDER_REVIEW


@pytest.mark.parametrize("state", [UNDER_REVIEW, WON, LOST])
async def test_a_webhook_may_be_quicker_than_the_answer(world, told, submit, disputes, state):
    await told()
    disputes.after = lambda: told(state)

    answer = await submit()

    assert answer.state is state
    assert answer.submitted_at == world.now


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("end", [WON, LOST])
async def test_a_dispute_goes_forward_only(world, told, order, end):
    states = [NEEDS_RESPONSE, UNDER_REVIEW, end]

    for place in (*order, *order):
        await told(states[place])

    assert kept(world).state is end


@pytest.mark.parametrize(("first", "second"), list(product([WON, LOST], repeat=2)))
async def test_its_end_is_its_end(world, told, first, second):
    await told(first)
    await told(second)

    assert kept(world).state is first


async def test_the_worker_warns_once_of_evidence_that_is_due_within_three_days(world, told):
    await told()

    async def warned():
        return [each.id for each in await warn_of_evidence_due(uow=world.uow, clock=world.clock)]

    assert await warned() == []
    world.now = kept(world).evidence_due_at - timedelta(days=2)
    assert await warned() == [DISPUTED]
    assert await warned() == []


@pytest.mark.parametrize(
    ("evidence", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"text": "\0"}, "text"),
        ({"text": "x", "tracking_number": "x" * 101}, "tracking_number"),
    ],
)
def test_evidence_has_a_length(evidence, field):
    with pytest.raises(TextMalformed) as refused:
        Evidence(**evidence)

    assert refused.value.field == field


@pytest.mark.parametrize("field", ["text", "tracking_number"])
def test_a_card_number_is_no_evidence(field):
    number = "4242 4242 4242 4242"

    with pytest.raises(CardNumberRefused) as refused:
        Evidence(**{"text": "It was paid with", field: f"It was paid with {number}."})

    assert refused.value.field == field
    assert "4242" not in str(refused.value)


def test_evidence_is_told_apart_by_all_that_it_says():
    pairs = [("a", "b"), ("b", "a"), ("a", ""), ("b\na", ""), ("c", "b\na"), ("a\nc", "b")]

    prints = {Evidence(text=text, tracking_number=number).fingerprint for text, number in pairs}

    assert len(prints) == len(pairs)
