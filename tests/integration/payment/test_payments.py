import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.errors import Conflict, DomainError
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.application.conversation import PspOutcomeUnknown
from services.payment.application.resolve_unknown import resolve_unknown
from services.payment.domain.payment import Payment
from services.payment.domain.payment_requests import PaymentVoided
from services.payment.domain.values import CaptureId, PaymentId, TransactionKind

SUBJECTS = text("SELECT subject FROM outbox ORDER BY position")


async def test_a_payment_is_read_back_as_it_was_saved(payments, payment_id):
    await payments.authorize(payment_id)
    answer = await payments.capture(payment_id, 30_00, shipping=5_00)

    saved = await payments.get(payment_id)

    assert saved.transactions == answer.transactions
    assert {kind: saved.total(kind) for kind in TransactionKind} == {
        kind: answer.total(kind) for kind in TransactionKind
    }
    assert (saved.currency, saved.psp_token) == ("EUR", PspToken("tok_visa"))


async def test_a_payment_and_its_events_are_saved_together(payments, payment_id):
    await payments.authorize(payment_id)
    await payments.capture(payment_id, 30_00)
    await payments.void(payment_id)

    subjects = [row.subject for row in await payments.rows(SUBJECTS)]

    assert subjects == [
        "retail.payment.v1.PaymentAuthorized",
        "retail.payment.v1.PaymentCaptured",
        "retail.payment.v1.PaymentVoided",
    ]


async def test_a_batch_of_500_is_one_batch(payments):
    ids = [PaymentId(new_id()) for _ in range(500)]

    answers = await payments.authorize(*ids)

    assert [answer.id for answer in answers] == ids


async def test_first_calls_for_one_payment_at_once_are_one_charge(payments, payment_id):
    calls = [payments.authorize(payment_id) for _ in range(12)]

    answers = [answer for (answer,) in await asyncio.gather(*calls)]

    # Who asks while the PSP is at it may be told to ask again.
    assert all(isinstance(answer, Payment | PspOutcomeUnknown) for answer in answers)
    (after,) = await payments.authorize(payment_id)
    assert isinstance(after, Payment)
    assert await payments.charges(payment_id) == [(100_00, 0, 0, 0)]
    assert len(await payments.rows(SUBJECTS)) == 1


async def test_batches_of_the_same_new_payments_in_any_order_do_not_block(payments):
    ids = [PaymentId(new_id()) for _ in range(50)]
    calls = [payments.authorize(*(ids if number % 2 else reversed(ids))) for number in range(8)]

    batches = await asyncio.gather(*calls)

    assert all(isinstance(answer, Payment) for batch in batches for answer in batch)
    assert await payments.charges(*ids) == [(100_00, 0, 0, 0)] * 50


async def test_captures_at_once_never_take_more_than_was_set_aside(payments, payment_id):
    await payments.authorize(payment_id, amount=100_00)
    ids = [CaptureId(new_id()) for _ in range(10)]

    def captures():
        return [payments.capture(payment_id, 30_00, capture_id=id_) for id_ in ids]

    await asyncio.gather(*captures())
    # A PSP that is asked much at once may leave one unknown; whoever asks again hears of it.
    answers = [await capture for capture in captures()]

    taken = [answer for answer in answers if isinstance(answer, Payment)]
    refused = [answer.reason for answer in answers if isinstance(answer, DomainError)]
    assert len(taken) == 3
    assert refused == ["CAPTURE_EXCEEDS_AUTHORIZATION"] * 7
    assert await payments.charges(payment_id) == [(100_00, 90_00, 0, 0)]


async def test_one_capture_asked_for_many_times_at_once_is_taken_and_booked_once(
    payments, payment_id
):
    await payments.authorize(payment_id)
    capture_id = CaptureId(UUID(int=9))
    calls = [payments.capture(payment_id, 30_00, capture_id=capture_id) for _ in range(10)]

    await asyncio.gather(*calls)

    assert await payments.charges(payment_id) == [(100_00, 30_00, 0, 0)]
    assert len(await payments.rows(text("SELECT 1 FROM ledger_entries"))) == 1


@pytest.mark.parametrize("_time", range(5))
async def test_a_capture_and_a_void_at_once_never_both_get_the_money(payments, payment_id, _time):
    await payments.authorize(payment_id)

    captured, voided = await asyncio.gather(
        payments.capture(payment_id, 100_00), payments.void(payment_id)
    )

    settled = await payments.get(payment_id)
    taken = settled.settled(TransactionKind.CAPTURE).minor_units
    given_back = settled.settled(TransactionKind.VOID).minor_units
    assert isinstance(captured, Payment | PaymentVoided)
    assert isinstance(voided, Payment)
    assert sorted([taken, given_back]) == [0, 100_00]
    assert await payments.charges(payment_id) == [(100_00, taken, given_back, 0)]


async def test_an_authorization_and_a_void_at_once_leave_no_money_set_aside(payments):
    ids = [PaymentId(new_id()) for _ in range(20)]

    await asyncio.gather(
        *(verb(id_) for id_ in ids for verb in (payments.authorize, payments.void))
    )

    charges = await payments.charges(*ids)
    assert all(authorized == released for authorized, _, released, _ in charges)


async def test_someone_elses_save_is_not_overwritten(payments, payment_id):
    await payments.authorize(payment_id)
    mine = await payments.get(payment_id)
    await payments.void(payment_id)
    mine.capture(CaptureId(new_id()), Money(1, "EUR"), Money(0, "EUR"), now=system_clock())

    with pytest.raises(Conflict):
        async with payments.uow() as tx:
            await tx.payments.save([mine])


async def test_the_worker_settles_what_was_left_unknown(payments, payment_id):
    (answer,) = await payments.authorize(payment_id, token="tok_timeoutAfterSuccess")
    later = {**payments.surroundings, "clock": lambda: system_clock() + timedelta(seconds=6)}

    resolved = await resolve_unknown(**later)

    assert answer == PspOutcomeUnknown(payment_id)
    assert resolved == 1
    settled = await payments.get(payment_id)
    assert settled.settled(TransactionKind.AUTHORIZATION) == Money(100_00, "EUR")
    assert await payments.charges(payment_id) == [(100_00, 0, 0, 0)]


async def test_replicas_share_what_is_unsettled(payments):
    ids = [PaymentId(new_id()) for _ in range(30)]
    await payments.authorize(*ids, token="tok_down")
    later = system_clock() + timedelta(seconds=6)

    async def claim():
        async with payments.uow() as tx:
            return await tx.payments.claim_unsettled(limit=10, now=later)

    claims = await asyncio.gather(claim(), claim(), claim(), claim())

    claimed = [payment.id for claim in claims for payment in claim]
    assert sorted(claimed) == ids


async def test_a_psp_that_is_down_is_asked_until_it_answers(payments, payment_id):
    answers = [(await payments.authorize(payment_id, token="tok_down"))[0] for _ in range(3)]

    assert answers[:2] == [PspOutcomeUnknown(payment_id)] * 2
    assert isinstance(answers[2], Payment)
