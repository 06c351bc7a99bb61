from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import permutations

import pytest

from chassis.kernel.money import Money
from services.payment.application.webhooks.forget_psp_events import forget_psp_events
from services.payment.application.webhooks.note_psp_facts import note_psp_facts
from services.payment.application.webhooks.ports import Outcome
from services.payment.application.webhooks.receive_psp_events import receive_psp_events
from services.payment.domain import events
from services.payment.domain.facts import (
    AuthorizationLost,
    ChargebackState,
    RefundedElsewhere,
    TransactionSettled,
)
from services.payment.domain.values import (
    Approved,
    Declined,
    NoAnswer,
    PspAccount,
    PspReference,
    TransactionId,
    TransactionKind,
    TransactionState,
)
from tests.unit.payment.facts import chargeback
from tests.unit.payment.told import Telling

EUR_60, EUR_30 = Money(60_00, "EUR"), Money(30_00, "EUR")
SUCCEEDED = TransactionState.SUCCEEDED


class Webhooks:
    """
    A PSP that tells things, and the worker that works them off.
    """

    def __init__(self, world):
        self.world = world
        self.telling = Telling()

    async def receive(self, *facts, **details):
        event = self.telling.event(*facts, now=self.world.now, **details)
        await receive_psp_events([event], uow=self.world.uow)
        return event

    async def work_off(self):
        worked_off = await note_psp_facts(
            uow=self.world.uow, facts_of=self.telling.facts_of, clock=self.world.clock
        )
        return [each.outcome for each in worked_off]

    async def tell(self, *facts, **details):
        await self.receive(*facts, **details)
        return await self.work_off()


@pytest.fixture
def webhooks(world):
    return Webhooks(world)


class Life:
    """
    One payment with all that may be asked of it, and what the PSP tells of each.
    """

    def __init__(self, world, ids):
        self.world = world
        self.payment_id, self.increment_id, self.capture_id, self.refund_id = ids

    async def ask(self, kind):
        match kind:
            case "authorize":
                return await self.world.authorize(self.payment_id)
            case "increment":
                return await self.world.increment(self.payment_id, self.increment_id, EUR_30)
            case "capture":
                return await self.world.capture(self.payment_id, self.capture_id, EUR_60)
            case "refund":
                return await self.world.refund(self.payment_id, self.refund_id, EUR_30)
            case "void":
                return await self.world.void(self.payment_id)

    async def come_to(self, kind):
        before = {
            "authorize": [],
            "increment": ["authorize"],
            "capture": ["authorize"],
            "refund": ["authorize", "capture"],
            "void": ["authorize", "capture"],
        }
        for each in before[kind]:
            await self.ask(each)

    def told(self):
        """
        Return what the PSP tells of the last thing that it has done.
        """
        key, (_, amount) = list(self.world.psp.done.items())[-1]
        answer = Approved(PspReference(f"psp_{key}"), amount)
        return TransactionSettled(payment_id=self.payment_id, transaction_id=key, answer=answer)

    def outline(self):
        payment = self.world.payments[self.payment_id]
        return (
            {kind: payment.total(kind) for kind in TransactionKind},
            {each.id: each.state for each in payment.transactions.values()},
            [type(event) for event in self.world.events],
            [(entry.kind, entry.cause_id) for entry in self.world.entries],
        )


@pytest.fixture
def life(world, payment_id, increment_id, capture_id, refund_id):
    return Life(world, (payment_id, increment_id, capture_id, refund_id))


KINDS = ["authorize", "increment", "capture", "refund", "void"]
# Whoever asks again has heard the answer, or that there is none.
ORDERS = [
    order
    for order in sorted(set(permutations(["webhook", "webhook", "answer", "again"])))
    if order.index("answer") < order.index("again")
]


@pytest.mark.parametrize("is_silent", [False, True], ids=["answered", "silent"])
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("kind", KINDS)
async def test_answers_and_webhooks_in_any_order_come_to_the_same(
    world, webhooks, life, kind, order, is_silent
):
    await life.come_to(kind)
    begun = len(world.psp.done)
    if is_silent:
        world.psp.answers.append(NoAnswer())

    async def tell_early():
        # The PSP has done it, and is quicker by webhook than by its answer.
        for _ in range(order.index("answer")):
            assert await webhooks.tell(life.told()) == [Outcome.NOTED]

    world.psp.after = tell_early
    await life.ask(kind)
    for step in order[order.index("answer") + 1 :]:
        if step == "again":
            await life.ask(kind)
        else:
            assert await webhooks.tell(life.told()) == [Outcome.NOTED]

    assert len(world.psp.done) == begun + 1
    seen = life.outline()
    assert set(seen[1].values()) == {SUCCEEDED}
    assert seen == await undisturbed(kind, life)


async def undisturbed(kind, life):
    """
    Return how it looks where the PSP answers, and tells nothing.
    """
    world = type(life.world)()
    alone = Life(world, (life.payment_id, life.increment_id, life.capture_id, life.refund_id))
    await alone.come_to(kind)
    await alone.ask(kind)
    return alone.outline()


async def test_a_webhook_settles_what_a_dead_process_asked(world, webhooks, life):
    world.psp.after = die
    with pytest.raises(Died):
        await life.ask("authorize")

    await webhooks.tell(life.told())

    assert world.payments[life.payment_id].settled(TransactionKind.AUTHORIZATION).minor_units
    assert [type(event) for event in world.events] == [events.PaymentAuthorized]


class Died(Exception):
    pass


async def die():
    raise Died


async def test_a_capture_that_failed_after_all_gives_back_its_share(world, webhooks, life):
    await life.ask("authorize")
    world.psp.answers.append(NoAnswer())
    await life.ask("capture")
    key = life.told().transaction_id
    declined = TransactionSettled(
        payment_id=life.payment_id, transaction_id=key, answer=Declined("expired")
    )

    await webhooks.tell(declined)

    assert world.payments[life.payment_id].remaining == Money(100_00, "EUR")


def a_refund(amount, *, authorization, id_="re_1", failed=False):
    return RefundedElsewhere(
        authorization=authorization, refund=PspReference(id_), amount=amount, failed=failed
    )


async def reference_of(life):
    return life.world.payments[life.payment_id].psp_reference


async def test_a_refund_made_in_the_psps_office_is_booked(world, webhooks, life):
    await life.come_to("refund")

    outcomes = await webhooks.tell(a_refund(EUR_30, authorization=await reference_of(life)))

    assert outcomes == [Outcome.NOTED]
    assert world.payments[life.payment_id].settled(TransactionKind.REFUND) == EUR_30
    assert world.balances()["refunds"] == 30_00


async def test_what_does_not_fit_yet_waits_until_it_does(world, webhooks, life):
    await life.ask("authorize")
    early = a_refund(EUR_30, authorization=await reference_of(life))

    assert await webhooks.tell(early) == [Outcome.WAITING]
    assert await webhooks.work_off() == []
    ((_, _, reason),) = world.psp_events.waiting.values()
    assert "exceeds" in reason

    await life.ask("capture")
    world.now += timedelta(seconds=1)
    assert await webhooks.work_off() == [Outcome.NOTED]
    assert world.payments[life.payment_id].settled(TransactionKind.REFUND) == EUR_30


async def test_what_waits_is_looked_at_ever_more_rarely_and_given_up_after_a_day(world, webhooks):
    event = await webhooks.receive(a_refund(EUR_30, authorization=PspReference("pi_nobodys")))
    began, pauses = world.now, []

    while world.psp_events.waiting:
        assert len(await webhooks.work_off()) == 1
        for _, due_at, reason in world.psp_events.waiting.values():
            assert reason == "no payment is known as pi_nobodys"
            pauses.append(due_at - world.now)
            world.now = due_at

    assert pauses[:3] == [timedelta(seconds=each) for each in (1, 2, 4)]
    assert max(pauses) == timedelta(minutes=5)
    assert world.now - began >= timedelta(days=1)
    failed, reason = world.psp_events.failed[event.key]
    assert reason == "no payment is known as pi_nobodys"
    assert failed.payload


async def test_a_payment_that_is_not_ours_is_left_alone(world, webhooks, payment_id):
    fact = TransactionSettled(
        payment_id=payment_id,
        transaction_id=TransactionId(payment_id),
        answer=Approved(PspReference("pi_1"), EUR_60),
    )

    assert await webhooks.tell(fact) == [Outcome.FOREIGN]
    assert await webhooks.tell(AuthorizationLost(payment_id=payment_id)) == [Outcome.FOREIGN]
    assert world.payments == {}


async def test_what_was_not_asked_here_is_left_alone(webhooks, life):
    await life.ask("authorize")
    before = life.outline()
    fact = TransactionSettled(
        payment_id=life.payment_id,
        transaction_id=TransactionId(life.capture_id),
        answer=Approved(PspReference("pi_1"), EUR_60),
    )

    assert await webhooks.tell(fact) == [Outcome.FOREIGN]
    assert life.outline() == before


@pytest.mark.parametrize("what", ["settled", "lost", "refunded", "disputed"])
async def test_one_account_says_nothing_of_anothers_payments(world, webhooks, life, what):
    await life.come_to("refund")
    before, reference = life.outline(), await reference_of(life)
    fact = {
        "settled": life.told(),
        "lost": AuthorizationLost(payment_id=life.payment_id),
        "refunded": a_refund(EUR_30, authorization=reference),
        "disputed": chargeback(EUR_30, authorization=reference),
    }[what]

    assert await webhooks.tell(fact, account=PspAccount("another")) == [Outcome.FOREIGN]
    assert life.outline() == before
    assert world.chargebacks.by_id == {}


@pytest.mark.parametrize("fact", [a_refund, chargeback])
async def test_money_in_another_currency_waits_for_a_person(world, webhooks, life, fact):
    await life.come_to("refund")
    told = fact(Money(10, "JPY"), authorization=await reference_of(life))

    assert await webhooks.tell(told) == [Outcome.WAITING]
    ((_, _, reason),) = world.psp_events.waiting.values()
    assert "is in EUR, not JPY" in reason


async def test_an_event_that_says_nothing_of_payments_is_done_at_once(world, webhooks):
    assert await webhooks.tell() == [Outcome.IGNORED]
    assert len(world.psp_events.done) == 1


async def test_an_authorization_that_the_psp_let_go_of_is_closed(world, webhooks, life):
    await life.ask("authorize")

    await webhooks.tell(AuthorizationLost(payment_id=life.payment_id))

    payment = world.payments[life.payment_id]
    assert payment.expired
    assert payment.void_transaction


async def test_one_that_is_let_go_of_while_all_of_it_is_to_be_taken_is_closed(
    world, webhooks, payment_id, capture_id
):
    await world.authorize(payment_id)
    world.psp.answers += [NoAnswer(), Declined("expired")]
    await world.capture(payment_id, capture_id, Money(100_00, "EUR"))

    await webhooks.tell(AuthorizationLost(payment_id=payment_id))
    await world.capture(payment_id, capture_id, Money(100_00, "EUR"))

    payment = world.payments[payment_id]
    assert payment.expired
    assert payment.settled(TransactionKind.VOID) == Money(100_00, "EUR")


async def test_one_that_is_let_go_of_before_we_know_of_it_is_closed_once_we_do(
    world, webhooks, life
):
    world.psp.answers.append(NoAnswer())
    await life.ask("authorize")
    lost = AuthorizationLost(payment_id=life.payment_id)

    assert await webhooks.tell(lost) == [Outcome.WAITING]
    await webhooks.tell(life.told())
    world.now += timedelta(seconds=1)
    assert await webhooks.work_off() == [Outcome.NOTED]
    assert world.payments[life.payment_id].expired


async def test_an_event_that_cannot_be_read_waits_alone(world, webhooks, life):
    await life.ask("authorize")
    await webhooks.receive(KeyError("amount"), id_="evt_bad")
    await webhooks.receive(AuthorizationLost(payment_id=life.payment_id))

    assert await webhooks.work_off() == [Outcome.WAITING, Outcome.NOTED]
    ((_, _, reason),) = world.psp_events.waiting.values()
    assert reason == "KeyError: 'amount'"


async def test_an_event_that_fails_at_the_commit_does_not_hold_up_the_others(world, webhooks, life):
    await life.ask("authorize")
    begin = world.uow

    @asynccontextmanager
    async def refusing():
        async with begin() as tx:
            yield tx
            if any("evt_bad" in key for key in tx.psp_events.done):
                raise ArithmeticError("the books do not balance\nDETAIL: a whole row")

    world.uow = refusing
    await webhooks.receive(id_="evt_bad")
    await webhooks.receive(AuthorizationLost(payment_id=life.payment_id), id_="evt_good")

    assert sorted(await webhooks.work_off()) == [Outcome.NOTED, Outcome.WAITING]
    ((bad, _, reason),) = world.psp_events.waiting.values()
    assert (bad.id, bad.attempts) == ("evt_bad", 1)
    assert reason == "ArithmeticError: the books do not balance"
    assert world.payments[life.payment_id].expired


async def test_a_chargeback_and_its_payment_are_noted_together(world, webhooks, life):
    await life.come_to("refund")
    dispute = chargeback(EUR_60, authorization=await reference_of(life))

    await webhooks.tell(dispute)

    kept = world.chargebacks.by_id["dp_1"]
    assert (kept.payment_id, kept.merchant.text) == (life.payment_id, "main")
    assert (kept.amount, kept.reason) == (EUR_60, "fraudulent")
    assert kept.evidence_due_at == dispute.evidence_due_at
    assert world.payments[life.payment_id].settled(TransactionKind.CHARGEBACK) == EUR_60
    assert world.balances()["chargebacks"] == 60_00


@pytest.mark.parametrize("end", [ChargebackState.WON, ChargebackState.LOST])
@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_dispute_told_in_any_order_and_twice_ends_the_same(
    world, webhooks, life, order, end
):
    await life.come_to("refund")
    reference = await reference_of(life)
    states = [ChargebackState.NEEDS_RESPONSE, ChargebackState.UNDER_REVIEW, end]
    for place in (*order, *order):
        await webhooks.receive(chargeback(EUR_60, states[place], authorization=reference))

    assert set(await webhooks.work_off()) == {Outcome.NOTED}

    assert world.chargebacks.by_id["dp_1"].state is end
    left = 0 if end is ChargebackState.WON else 60_00
    assert world.payments[life.payment_id].total(TransactionKind.CHARGEBACK).settled == left
    assert world.balances()["chargebacks"] == left


async def test_a_dispute_that_is_said_to_be_about_another_payment_waits(
    world, webhooks, life, increment_id
):
    await life.come_to("refund")
    await webhooks.tell(chargeback(EUR_60, authorization=await reference_of(life)))
    await world.authorize(increment_id)
    another = world.payments[increment_id].psp_reference

    assert await webhooks.tell(chargeback(EUR_60, authorization=another)) == [Outcome.WAITING]


async def test_events_are_forgotten_after_their_time_but_not_those_that_failed(world, webhooks):
    await webhooks.tell()
    await webhooks.receive(a_refund(EUR_30, authorization=PspReference("pi_nobodys")))
    world.now += timedelta(days=1)
    assert await webhooks.work_off() == [Outcome.FAILED]

    world.now += timedelta(days=29, seconds=1)
    await forget_psp_events(uow=world.uow, clock=world.clock, kept_days=30)

    assert (len(world.psp_events.done), len(world.psp_events.failed)) == (0, 1)
