from chassis.kernel.money import Money
from services.payment.application.conversation import PspOutcomeUnknown, VoidDeclined
from services.payment.domain import events
from services.payment.domain.payment_requests import PaymentVoided
from services.payment.domain.values import Declined, NoAnswer, TransactionKind

EUR_30, EUR_70, EUR_100 = Money(30_00, "EUR"), Money(70_00, "EUR"), Money(100_00, "EUR")


async def test_what_was_set_aside_is_given_back(world, payment_id):
    await world.authorize(payment_id)

    answer = await world.void(payment_id)

    assert answer.settled(TransactionKind.VOID) == EUR_100
    assert world.events[-1] == events.PaymentVoided(payment_id=payment_id, amount=EUR_100)


async def test_after_a_partial_capture_the_rest_is_given_back(world, payment_id, capture_id):
    await world.authorize(payment_id)
    await world.capture(payment_id, capture_id, EUR_30)

    answer = await world.void(payment_id)

    assert answer.settled(TransactionKind.VOID) == EUR_70
    assert answer.remaining == Money(0, "EUR")


async def test_voiding_again_changes_nothing(world, payment_id):
    await world.authorize(payment_id)
    await world.void(payment_id)

    answer = await world.void(payment_id)

    assert answer.settled(TransactionKind.VOID) == EUR_100
    assert world.psp.asks == [("authorize", 1), ("void", 1)]
    assert len(world.events) == 2


async def test_voiding_what_was_declined_changes_nothing(world, payment_id):
    world.psp.answers = [Declined("card_declined")]
    await world.authorize(payment_id)

    answer = await world.void(payment_id)

    assert answer.closed is False
    assert world.psp.asks == [("authorize", 1)]


async def test_an_authorization_that_comes_after_its_void_is_refused(world, payment_id):
    await world.void(payment_id)

    answer = await world.authorize(payment_id)

    assert isinstance(answer, PaymentVoided)
    assert world.psp.asks == []
    assert world.events == []


async def test_an_unknown_authorization_is_settled_before_it_is_given_back(world, payment_id):
    world.psp.answers = [NoAnswer()]
    await world.authorize(payment_id)

    answer = await world.void(payment_id)

    assert answer.settled(TransactionKind.VOID) == EUR_100
    assert world.psp.asks == [("authorize", 1), ("authorize", 1), ("void", 1)]


async def test_an_unknown_authorization_that_turns_out_declined_needs_no_void(world, payment_id):
    world.psp.answers = [NoAnswer(), Declined("card_declined")]
    await world.authorize(payment_id)

    answer = await world.void(payment_id)

    assert answer.settled(TransactionKind.VOID) == Money(0, "EUR")
    assert world.psp.asks == [("authorize", 1), ("authorize", 1)]


async def test_an_unknown_capture_is_settled_before_the_rest_is_given_back(
    world, payment_id, capture_id
):
    await world.authorize(payment_id)
    world.psp.answers = [NoAnswer()]
    await world.capture(payment_id, capture_id, EUR_30)

    answer = await world.void(payment_id)

    assert answer.settled(TransactionKind.CAPTURE) == EUR_30
    assert answer.settled(TransactionKind.VOID) == EUR_70


async def test_a_capture_that_fails_after_the_void_was_asked_for_is_given_back_too(
    world, payment_id, capture_id
):
    await world.authorize(payment_id)
    world.psp.answers = [NoAnswer(), NoAnswer(), Declined("expired")]
    await world.capture(payment_id, capture_id, EUR_30)

    unknown = await world.void(payment_id)
    known = await world.void(payment_id)

    assert unknown == PspOutcomeUnknown(payment_id)
    assert known.settled(TransactionKind.VOID) == EUR_100


async def test_a_void_that_the_psp_declines_is_told(world, payment_id):
    await world.authorize(payment_id)
    world.psp.answers = [Declined("expired")]

    answer = await world.void(payment_id)

    assert isinstance(answer, VoidDeclined)
    assert answer.reason == "VOID_DECLINED"
