from collections import Counter
from datetime import timedelta
from uuid import UUID

from chassis.kernel.money import CurrencyMismatch, Money
from services.payment.application.conversation import PspOutcomeUnknown, RefundDeclined
from services.payment.domain import events
from services.payment.domain.ledger import Account, EntryKind
from services.payment.domain.payment_requests import (
    PaymentDisputed,
    PaymentNotCaptured,
    RefundExceedsCapture,
    RefundMismatch,
    RefundWindowClosed,
)
from services.payment.domain.values import (
    Approved,
    Declined,
    NoAnswer,
    RefundId,
    TransactionKind,
    transaction_id_of,
)
from tests.unit.payment.facts import chargeback

EUR_60, EUR_30, EUR_5 = Money(60_00, "EUR"), Money(30_00, "EUR"), Money(5_00, "EUR")
OTHER = RefundId(UUID(int=202))


async def captured(world, payment_id, capture_id):
    await world.authorize(payment_id)
    await world.capture(payment_id, capture_id, EUR_60)


async def test_a_share_is_paid_back(world, payment_id, capture_id, refund_id):
    await captured(world, payment_id, capture_id)

    answer = await world.refund(payment_id, refund_id, EUR_30)

    assert answer.settled(TransactionKind.REFUND) == EUR_30
    assert answer.refundable == EUR_30
    assert world.events[-1] == events.PaymentRefunded(
        payment_id=payment_id, refund_id=str(refund_id), amount=EUR_30, total_refunded=EUR_30
    )


async def test_what_is_paid_back_is_booked(world, payment_id, capture_id, refund_id):
    await captured(world, payment_id, capture_id)

    await world.refund(payment_id, refund_id, EUR_30, shipping=EUR_5)

    entry = world.entries[-1]
    assert entry.kind is EntryKind.REFUND
    assert [(line.account, line.amount.minor_units) for line in entry.postings] == [
        (Account.REFUNDS, 25_00),
        (Account.SHIPPING_INCOME, 5_00),
        (Account.CUSTOMER_RECEIVABLE, -30_00),
        (Account.CUSTOMER_RECEIVABLE, 30_00),
        (Account.PSP_CLEARING, -30_00),
    ]


async def test_asking_again_pays_and_books_nothing_more(world, payment_id, capture_id, refund_id):
    await captured(world, payment_id, capture_id)
    await world.refund(payment_id, refund_id, EUR_30)

    answer = await world.refund(payment_id, refund_id, EUR_30)

    assert answer.settled(TransactionKind.REFUND) == EUR_30
    assert len(world.entries) == 2


async def test_another_amount_under_the_same_id_is_refused(
    world, payment_id, capture_id, refund_id
):
    await captured(world, payment_id, capture_id)
    await world.refund(payment_id, refund_id, EUR_30)

    answer = await world.refund(payment_id, refund_id, EUR_5)

    assert isinstance(answer, RefundMismatch)


async def test_never_more_is_paid_back_than_was_taken(world, payment_id, capture_id, refund_id):
    await captured(world, payment_id, capture_id)
    world.psp.answers = [NoAnswer()]
    unknown = await world.refund(payment_id, refund_id, EUR_60)

    answer = await world.refund(payment_id, OTHER, Money(1, "EUR"))

    assert isinstance(unknown, PspOutcomeUnknown)
    assert isinstance(answer, RefundExceedsCapture)


async def test_nothing_is_paid_back_that_was_not_taken(world, payment_id, refund_id):
    await world.authorize(payment_id)

    answer = await world.refund(payment_id, refund_id, EUR_5)

    assert isinstance(answer, PaymentNotCaptured)


async def test_it_stays_in_its_currency(world, payment_id, capture_id, refund_id):
    await captured(world, payment_id, capture_id)

    answer = await world.refund(payment_id, refund_id, Money(1, "GBP"), Money(0, "GBP"))

    assert isinstance(answer, CurrencyMismatch)


async def test_a_refund_may_be_asked_for_until_the_window_closes(
    world, payment_id, capture_id, refund_id
):
    await captured(world, payment_id, capture_id)
    world.now += timedelta(days=180)
    in_time = await world.refund(payment_id, refund_id, EUR_5)
    world.now += timedelta(seconds=1)

    answer = await world.refund(payment_id, OTHER, EUR_5)

    assert in_time.settled(TransactionKind.REFUND) == EUR_5
    assert isinstance(answer, RefundWindowClosed)


async def test_one_asked_for_in_time_is_answered_after_the_window_closed(
    world, payment_id, capture_id, refund_id
):
    await captured(world, payment_id, capture_id)
    await world.refund(payment_id, refund_id, EUR_5)
    world.now += timedelta(days=400)

    answer = await world.refund(payment_id, refund_id, EUR_5)

    assert answer.settled(TransactionKind.REFUND) == EUR_5


async def test_one_that_the_psp_declines_can_be_asked_for_under_another_id(
    world, payment_id, capture_id, refund_id
):
    await captured(world, payment_id, capture_id)
    world.psp.answers = [Declined("charge_disputed")]

    refused = await world.refund(payment_id, refund_id, EUR_60)
    answer = await world.refund(payment_id, OTHER, EUR_60)

    assert isinstance(refused, RefundDeclined)
    assert answer.settled(TransactionKind.REFUND) == EUR_60


async def test_one_that_comes_back_is_unbooked_and_told(world, payment_id, capture_id, refund_id):
    await captured(world, payment_id, capture_id)
    await world.refund(payment_id, refund_id, EUR_30, shipping=EUR_5)
    key = transaction_id_of(payment_id, TransactionKind.REFUND, refund_id)

    for _ in range(2):
        payment = await world.tell(
            payment_id,
            lambda payment: payment.settle(key, Declined("account_closed"), now=world.now),
        )

    assert payment.refundable == EUR_60
    assert [entry.kind for entry in world.entries] == [
        EntryKind.CAPTURE,
        EntryKind.REFUND,
        EntryKind.REFUND_REVERSAL,
    ]
    assert world.balances()[Account.REFUNDS] == 0
    assert world.events[-1] == events.RefundFailed(
        payment_id=payment_id,
        refund_id=str(refund_id),
        amount=EUR_30,
        total_refunded=Money(0, "EUR"),
        reason="account_closed",
    )


async def test_one_of_which_only_the_end_is_heard_is_booked_there_and_back(
    world, payment_id, capture_id, refund_id
):
    await captured(world, payment_id, capture_id)
    world.psp.answers = [Declined("account_closed", undone=Approved("re_1", EUR_30))]

    answer = await world.refund(payment_id, refund_id, EUR_30)

    assert isinstance(answer, RefundDeclined)
    assert [entry.kind for entry in world.entries] == [
        EntryKind.CAPTURE,
        EntryKind.REFUND,
        EntryKind.REFUND_REVERSAL,
    ]
    assert world.payments[payment_id].refundable == EUR_60


async def test_one_that_came_back_does_not_succeed_again(world, payment_id, capture_id, refund_id):
    await captured(world, payment_id, capture_id)
    await world.refund(payment_id, refund_id, EUR_30)
    key = transaction_id_of(payment_id, TransactionKind.REFUND, refund_id)
    for late in (Declined("account_closed"), Approved("re_1", EUR_30)):
        payment = await world.tell(
            payment_id, lambda payment, late=late: payment.settle(key, late, now=world.now)
        )

    assert payment.refundable == EUR_60


async def test_what_a_bank_took_back_cannot_be_paid_back_too(
    world, payment_id, capture_id, refund_id
):
    await captured(world, payment_id, capture_id)
    dispute = chargeback(EUR_60)
    await world.tell(payment_id, lambda payment: payment.charge_back(dispute, now=world.now))

    answer = await world.refund(payment_id, refund_id, EUR_5)

    assert isinstance(answer, PaymentDisputed)


async def test_a_refund_of_too_much_is_not_believed(world, payment_id, capture_id, refund_id):
    await captured(world, payment_id, capture_id)
    world.psp.moves = Money(60_01, "EUR")

    answer = await world.refund(payment_id, refund_id, EUR_60)

    assert isinstance(answer, PspOutcomeUnknown)
    assert Counter(entry.kind for entry in world.entries) == {EntryKind.CAPTURE: 1}


async def test_a_refund_of_too_little_leaves_the_rest_in_suspense(
    world, payment_id, capture_id, refund_id
):
    await captured(world, payment_id, capture_id)
    world.psp.moves = Money(29_99, "EUR")

    answer = await world.refund(payment_id, refund_id, EUR_30)

    assert answer.settled(TransactionKind.REFUND) == Money(29_99, "EUR")
    balances = world.balances()
    assert balances[Account.SUSPENSE] == -1
    assert balances[Account.PSP_CLEARING] == 60_00 - 29_99
    assert balances[Account.CUSTOMER_RECEIVABLE] == 0
