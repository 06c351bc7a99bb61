from datetime import timedelta

from chassis.kernel.money import Money
from services.payment.domain import events
from services.payment.domain.payment_requests import AuthorizationExpired
from services.payment.domain.values import NoAnswer, TransactionKind

EUR_60, EUR_100 = Money(60_00, "EUR"), Money(100_00, "EUR")
WEEK = timedelta(days=7)


async def test_what_has_expired_is_given_back_and_told(world, payment_id, capture_id):
    world.psp.expires_at = world.now + WEEK
    await world.authorize(payment_id)
    await world.capture(payment_id, capture_id, EUR_60)
    world.now += WEEK

    closed = await world.expire()

    assert closed == 1
    payment = world.payments[payment_id]
    assert payment.settled(TransactionKind.VOID) == Money(40_00, "EUR")
    assert world.events[-1] == events.PaymentVoided(
        payment_id=payment_id, amount=Money(40_00, "EUR"), expired=True
    )


async def test_before_that_nothing_is(world, payment_id):
    world.psp.expires_at = world.now + WEEK
    await world.authorize(payment_id)
    world.now += WEEK - timedelta(seconds=1)

    assert await world.expire() == 0


async def test_what_was_taken_whole_does_not_expire(world, payment_id, capture_id):
    world.psp.expires_at = world.now + WEEK
    await world.authorize(payment_id)
    await world.capture(payment_id, capture_id, EUR_100)
    world.now += WEEK

    assert await world.expire() == 0


async def test_nothing_can_be_taken_of_it(world, payment_id, capture_id):
    world.psp.expires_at = world.now + WEEK
    await world.authorize(payment_id)
    world.now += WEEK
    await world.expire()

    answer = await world.capture(payment_id, capture_id, EUR_60)

    assert isinstance(answer, AuthorizationExpired)


async def test_it_is_closed_once(world, payment_id):
    world.psp.expires_at = world.now + WEEK
    await world.authorize(payment_id)
    world.now += WEEK
    await world.expire()

    assert await world.expire() == 0
    assert sum(isinstance(event, events.PaymentVoided) for event in world.events) == 1


async def test_a_capture_under_way_is_waited_for(world, payment_id, capture_id):
    world.psp.expires_at = world.now + WEEK
    await world.authorize(payment_id)
    world.psp.answers = [NoAnswer(), NoAnswer()]
    await world.capture(payment_id, capture_id, EUR_60)
    world.now += WEEK
    await world.expire()
    assert not world.payments[payment_id].void_transaction

    await world.resolve()

    payment = world.payments[payment_id]
    assert payment.settled(TransactionKind.CAPTURE) == EUR_60
    assert payment.settled(TransactionKind.VOID) == Money(40_00, "EUR")


async def test_one_that_the_psp_has_cancelled_by_itself_is_closed(world, payment_id):
    await world.authorize(payment_id)

    def lose(payment):
        payment.expire(now=world.now)
        return ()

    await world.tell(payment_id, lose)
    world.now += timedelta(seconds=6)
    await world.resolve()

    payment = world.payments[payment_id]
    assert payment.expired
    assert payment.settled(TransactionKind.VOID) == EUR_100
