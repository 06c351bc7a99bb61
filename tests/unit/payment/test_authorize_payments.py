from datetime import timedelta
from uuid import UUID

import pytest

from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.application.authorize_payments import AuthorizePayment, authorize_payments
from services.payment.application.conversation import PaymentDeclined, PspOutcomeUnknown
from services.payment.application.ports import CurrencyNotServed
from services.payment.domain import events
from services.payment.domain.payment import Payment
from services.payment.domain.payment_requests import PaymentMismatch, PaymentVoided
from services.payment.domain.values import (
    Approved,
    Declined,
    MerchantId,
    NoAnswer,
    PaymentId,
    TransactionKind,
    TransactionState,
)

EUR_100 = Money(100_00, "EUR")


async def test_money_is_set_aside(world, payment_id):
    answer = await world.authorize(payment_id, EUR_100)

    assert isinstance(answer, Payment)
    assert answer.settled(TransactionKind.AUTHORIZATION) == EUR_100
    assert world.events == [events.PaymentAuthorized(payment_id=payment_id, amount=EUR_100)]


async def test_setting_money_aside_moves_none(world, payment_id):
    await world.authorize(payment_id)

    assert world.entries == []


async def test_authorizing_again_asks_the_psp_no_more(world, payment_id):
    await world.authorize(payment_id)

    answer = await world.authorize(payment_id)

    assert answer.settled(TransactionKind.AUTHORIZATION) == EUR_100
    assert world.psp.asks == [("authorize", 1)]
    assert len(world.events) == 1


@pytest.mark.parametrize(
    ("amount", "token"), [(Money(99_00, "EUR"), "tok_visa"), (EUR_100, "tok_other")]
)
async def test_another_authorization_under_the_same_id_is_refused(world, payment_id, amount, token):
    await world.authorize(payment_id, EUR_100)

    answer = await world.authorize(payment_id, amount, PspToken(token))

    assert isinstance(answer, PaymentMismatch)
    assert world.psp.asks == [("authorize", 1)]


async def test_a_decline_is_told_and_stands(world, payment_id):
    world.psp.answers = [Declined("card_declined")]
    await world.authorize(payment_id)

    answer = await world.authorize(payment_id)

    assert isinstance(answer, PaymentDeclined)
    assert "card_declined" in str(answer)
    assert world.events == [
        events.PaymentDeclined(payment_id=payment_id, amount=EUR_100, reason="card_declined")
    ]


async def test_no_answer_is_never_guessed(world, payment_id):
    world.psp.answers = [NoAnswer()]

    answer = await world.authorize(payment_id)

    assert answer == PspOutcomeUnknown(payment_id)
    assert world.payments[payment_id].authorization.state is TransactionState.UNKNOWN
    assert world.events == []


async def test_asking_again_after_no_answer_finds_the_one_charge(world, payment_id):
    world.psp.answers = [NoAnswer()]
    await world.authorize(payment_id)

    answer = await world.authorize(payment_id)

    assert answer.settled(TransactionKind.AUTHORIZATION) == EUR_100
    assert list(world.psp.done.values()) == [("authorize", EUR_100)]


async def test_an_answer_that_another_call_got_first_stands(world, payment_id):
    async def other_call():
        await world.authorize(payment_id)

    world.psp.before = other_call
    # The other call is approved; ours hears nothing.
    world.psp.answers = [None, NoAnswer()]
    answer = await world.authorize(payment_id)

    assert answer.settled(TransactionKind.AUTHORIZATION) == EUR_100
    assert len(world.events) == 1


async def test_each_of_a_batch_is_answered_in_order(world):
    ids = [PaymentId(UUID(int=number)) for number in range(1, 4)]
    await world.authorize(ids[1], Money(1_00, "EUR"))
    commands = [
        AuthorizePayment(payment_id=id_, amount=EUR_100, psp_token=PspToken("tok_visa"))
        for id_ in ids
    ]

    first, second, third = await authorize_payments(
        commands, uow=world.uow, psp=world.psp, accounts=world, clock=world.clock
    )

    assert (first.id, third.id) == (ids[0], ids[2])
    assert isinstance(second, PaymentMismatch)
    assert world.psp.asks[-1] == ("authorize", 2)


async def test_an_authorization_that_a_void_overtakes_is_refused_and_given_back(world, payment_id):
    async def void_meanwhile():
        await world.void(payment_id)

    world.psp.before = void_meanwhile

    answer = await world.authorize(payment_id)

    assert isinstance(answer, PaymentVoided)
    assert world.payments[payment_id].settled(TransactionKind.VOID) == EUR_100
    assert sorted(world.psp.done.values()) == [("authorize", EUR_100), ("void", EUR_100)]


@pytest.mark.parametrize("moved", [Money(99_99, "EUR"), Money(100_01, "EUR")])
async def test_another_amount_than_was_asked_for_is_declined_and_given_back(
    world, payment_id, moved
):
    world.psp.moves = moved
    answer = await world.authorize(payment_id)
    again = await world.authorize(payment_id)

    assert isinstance(answer, PaymentDeclined)
    assert isinstance(again, PaymentDeclined)
    assert "wrong_amount" in str(answer)
    payment = world.payments[payment_id]
    assert payment.settled(TransactionKind.VOID) == moved
    assert world.events == [
        events.PaymentDeclined(payment_id=payment_id, amount=EUR_100, reason="wrong_amount"),
        events.PaymentVoided(payment_id=payment_id, amount=moved),
    ]


async def test_a_currency_that_nobody_serves_is_refused_and_nothing_is_written(world, payment_id):
    answer = await world.authorize(payment_id, Money(1, "CHF"))

    assert isinstance(answer, CurrencyNotServed)
    assert answer.field == "amount"
    assert world.payments == {}
    assert world.psp.asks == []


async def test_a_payment_stays_with_its_account_whatever_is_configured_since(world, payment_id):
    await world.authorize(payment_id, merchant=MerchantId("shop-1"))
    world.currencies = set()

    answer = await world.authorize(payment_id, merchant=MerchantId("shop-1"))

    assert answer.psp_account == "account of shop-1"


async def test_another_merchant_under_the_same_id_is_refused(world, payment_id):
    await world.authorize(payment_id, merchant=MerchantId("shop-1"))

    answer = await world.authorize(payment_id, merchant=MerchantId("shop-2"))

    assert isinstance(answer, PaymentMismatch)


async def test_until_when_money_is_set_aside_may_be_told_after_that_it_is(world, payment_id):
    await world.authorize(payment_id)
    until = world.now + timedelta(days=7)
    asked = world.payments[payment_id].authorization
    answer = Approved(asked.reference, asked.amount, until)

    payment = await world.tell(
        payment_id, lambda payment: payment.settle(asked.id, answer, now=world.now)
    )

    assert payment.expires_at == until
