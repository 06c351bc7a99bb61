from uuid import UUID

import pytest

from chassis.kernel.money import CurrencyMismatch, Money
from services.payment.application.capture_payments import (
    CapturePayment,
    capture_payments,
)
from services.payment.application.conversation import CaptureDeclined, PspOutcomeUnknown
from services.payment.domain import events
from services.payment.domain.ledger import Account
from services.payment.domain.payment_requests import (
    CaptureExceedsAuthorization,
    CaptureMismatch,
    PaymentNotAuthorized,
    PaymentVoided,
)
from services.payment.domain.shipping import ShippingOutOfRange
from services.payment.domain.values import CaptureId, Declined, NoAnswer, TransactionKind

EUR_30, EUR_5, EUR_100 = Money(30_00, "EUR"), Money(5_00, "EUR"), Money(100_00, "EUR")
OTHER = CaptureId(UUID(int=102))


async def test_a_share_is_taken(world, payment_id, capture_id):
    await world.authorize(payment_id)

    answer = await world.capture(payment_id, capture_id, EUR_30)

    assert answer.settled(TransactionKind.CAPTURE) == EUR_30
    assert answer.remaining == Money(70_00, "EUR")
    assert world.events[-1] == events.PaymentCaptured(
        payment_id=payment_id, capture_id=capture_id, amount=EUR_30, total_captured=EUR_30
    )


async def test_what_is_taken_is_booked_as_sold_and_paid(world, payment_id, capture_id):
    await world.authorize(payment_id)

    await world.capture(payment_id, capture_id, EUR_30, shipping=EUR_5)

    (entry,) = world.entries
    assert [(line.account, line.amount.minor_units) for line in entry.postings] == [
        (Account.CUSTOMER_RECEIVABLE, 30_00),
        (Account.SALES, -25_00),
        (Account.SHIPPING_INCOME, -5_00),
        (Account.PSP_CLEARING, 30_00),
        (Account.CUSTOMER_RECEIVABLE, -30_00),
    ]


async def test_capturing_again_takes_and_books_nothing_more(world, payment_id, capture_id):
    await world.authorize(payment_id)
    await world.capture(payment_id, capture_id, EUR_30)

    answer = await world.capture(payment_id, capture_id, EUR_30)

    assert answer.settled(TransactionKind.CAPTURE) == EUR_30
    assert len(world.entries) == 1


async def test_another_amount_under_the_same_id_is_refused(world, payment_id, capture_id):
    await world.authorize(payment_id)
    await world.capture(payment_id, capture_id, EUR_30)

    answer = await world.capture(payment_id, capture_id, EUR_5)

    assert isinstance(answer, CaptureMismatch)


async def test_never_more_is_taken_than_was_set_aside(world, payment_id, capture_id):
    await world.authorize(payment_id, EUR_30)
    await world.capture(payment_id, capture_id, EUR_30)

    answer = await world.capture(payment_id, OTHER, EUR_5)

    assert isinstance(answer, CaptureExceedsAuthorization)


async def test_what_may_have_been_taken_cannot_be_taken_again(world, payment_id, capture_id):
    await world.authorize(payment_id, EUR_30)
    world.psp.answers = [NoAnswer()]
    await world.capture(payment_id, capture_id, EUR_30)

    answer = await world.capture(payment_id, OTHER, EUR_5)

    assert isinstance(answer, CaptureExceedsAuthorization)


async def test_two_captures_of_one_payment_in_one_batch_share_its_limit(
    world, payment_id, capture_id
):
    await world.authorize(payment_id, EUR_30)
    commands = [
        CapturePayment(
            capture_id=id_, payment_id=payment_id, amount=EUR_30, shipping=Money(0, "EUR")
        )
        for id_ in (capture_id, OTHER)
    ]

    first, second = await capture_payments(
        commands, uow=world.uow, psp=world.psp, clock=world.clock
    )

    assert first.settled(TransactionKind.CAPTURE) == EUR_30
    assert isinstance(second, CaptureExceedsAuthorization)


async def test_nothing_is_taken_that_was_never_set_aside(world, payment_id, capture_id):
    answer = await world.capture(payment_id, capture_id, EUR_30)

    assert isinstance(answer, PaymentNotAuthorized)
    assert world.payments == {}


async def test_nothing_is_taken_after_a_void(world, payment_id, capture_id):
    await world.authorize(payment_id)
    await world.void(payment_id)

    answer = await world.capture(payment_id, capture_id, EUR_30)

    assert isinstance(answer, PaymentVoided)


async def test_a_payment_stays_in_its_currency(world, payment_id, capture_id):
    await world.authorize(payment_id)

    answer = await world.capture(payment_id, capture_id, Money(30_00, "GBP"), Money(0, "GBP"))

    assert isinstance(answer, CurrencyMismatch)


async def test_a_capture_that_the_psp_declines_frees_its_share(world, payment_id, capture_id):
    await world.authorize(payment_id)
    world.psp.answers = [Declined("expired")]

    answer = await world.capture(payment_id, capture_id, EUR_30)

    assert isinstance(answer, CaptureDeclined)
    assert world.payments[payment_id].remaining == EUR_100
    assert world.entries == []


async def test_an_unknown_capture_is_booked_once_it_is_known(world, payment_id, capture_id):
    await world.authorize(payment_id)
    world.psp.answers = [NoAnswer()]
    unknown = await world.capture(payment_id, capture_id, EUR_30)

    known = await world.capture(payment_id, capture_id, EUR_30)

    assert unknown == PspOutcomeUnknown(payment_id)
    assert known.settled(TransactionKind.CAPTURE) == EUR_30
    assert len(world.entries) == 1


@pytest.mark.parametrize("shipping", [Money(30_01, "EUR"), Money(-1, "EUR"), Money(1, "GBP")])
def test_shipping_is_a_part_of_the_amount(payment_id, capture_id, shipping):
    with pytest.raises(ShippingOutOfRange):
        CapturePayment(
            capture_id=capture_id, payment_id=payment_id, amount=EUR_30, shipping=shipping
        )


@pytest.mark.parametrize("moved", [Money(29_99, "EUR"), Money(30_01, "EUR")])
async def test_another_amount_than_was_asked_for_waits_in_suspense(
    world, payment_id, capture_id, moved
):
    await world.authorize(payment_id)
    world.psp.moves = moved

    answer = await world.capture(payment_id, capture_id, EUR_30)

    assert answer.settled(TransactionKind.CAPTURE) == moved
    assert world.events[-1].amount == moved
    balances = world.balances()
    assert balances[Account.PSP_CLEARING] == moved.minor_units
    assert balances[Account.SALES] == -30_00
    assert balances[Account.SUSPENSE] == 30_00 - moved.minor_units
    assert balances[Account.CUSTOMER_RECEIVABLE] == 0


@pytest.mark.parametrize("moved", [Money(100_01, "EUR"), Money(0, "EUR"), Money(30_00, "GBP")])
async def test_a_capture_that_cannot_be_is_not_believed(world, payment_id, capture_id, moved):
    await world.authorize(payment_id)
    world.psp.moves = moved

    answer = await world.capture(payment_id, capture_id, EUR_30)

    assert isinstance(answer, PspOutcomeUnknown)
    assert world.entries == []
