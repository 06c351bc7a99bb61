"""The same money asked for by many at once, over two replicas with connections of their own."""

import asyncio
from contextlib import suppress
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from services.payment.domain.payment import Payment
from services.payment.domain.values import (
    CaptureId,
    IncrementId,
    PaymentId,
    RefundId,
    TransactionKind,
)
from tests.integration.payment.conftest import Payments

REPLAYS = 100


@pytest.fixture
async def replicas(payments, psp, feed, connected):
    return Replicas(payments, Payments(await connected(), psp, payments.server, feed))


class Replicas:
    """
    Two replicas, asked in turn.
    """

    def __init__(self, *payments):
        self._payments = payments
        self._turn = count()

    @property
    def next(self):
        return self._payments[next(self._turn) % len(self._payments)]


async def settled(replicas, ask):
    """
    Ask until everybody has an answer: who is told "unknown" asks again with the same id.
    """
    while not isinstance(answer := await ask(replicas.next), Payment | DomainError):
        await asyncio.sleep(0.02)
    return answer


async def replayed(replicas, ask):
    return await asyncio.gather(*(settled(replicas, ask) for _ in range(REPLAYS)))


async def test_100_replays_of_each_verb_are_one_each(replicas, payments, payment_id):
    async def authorized(payments):
        (answer,) = await payments.authorize(payment_id)
        return answer

    increment, capture, refund = IncrementId(new_id()), CaptureId(new_id()), RefundId(new_id())
    verbs = [
        authorized,
        lambda each: each.increment(payment_id, 20_00, increment_id=increment),
        lambda each: each.capture(payment_id, 70_00, capture_id=capture),
        lambda each: each.refund(payment_id, 30_00, refund_id=refund),
        lambda each: each.void(payment_id),
    ]

    for verb in verbs:
        answers = await replayed(replicas, verb)
        assert all(isinstance(answer, Payment) for answer in answers)

    assert await payments.charges(payment_id) == [(120_00, 70_00, 50_00, 30_00)]
    done = (await payments.get(payment_id)).transactions.values()
    assert sorted(each.kind for each in done if each.has_succeeded) == [
        "AUTHORIZATION",
        "AUTHORIZATION",
        "CAPTURE",
        "REFUND",
        "VOID",
    ]


async def test_captures_and_voids_of_many_payments_never_both_get_the_money(replicas, payments):
    ids = [PaymentId(new_id()) for _ in range(40)]
    await payments.authorize(*ids)

    await asyncio.gather(
        *(
            settled(replicas, ask)
            for id_ in ids
            for ask in (
                lambda each, id_=id_: each.capture(
                    id_, 60_00, capture_id=CaptureId(UUID(int=id_.int + 1))
                ),
                lambda each, id_=id_: each.void(id_),
            )
        )
    )

    for id_, (_, captured, released, _) in zip(ids, await payments.charges(*ids), strict=True):
        payment = await payments.get(id_)
        assert captured in (0, 60_00)
        assert captured + released == 100_00
        assert payment.settled(TransactionKind.CAPTURE).minor_units == captured
        assert payment.settled(TransactionKind.VOID).minor_units == released


async def test_refunds_at_once_never_pay_back_more_than_was_taken(replicas, payments, payment_id):
    await payments.authorize(payment_id)
    await payments.capture(payment_id, 90_00)

    refunds = [RefundId(new_id()) for _ in range(10)]
    answers = await asyncio.gather(
        *(
            settled(replicas, lambda each, id_=id_: each.refund(payment_id, 20_00, refund_id=id_))
            for id_ in refunds
        )
    )

    assert sum(isinstance(answer, Payment) for answer in answers) == 4
    assert await payments.charges(payment_id) == [(100_00, 90_00, 0, 80_00)]


async def test_a_refund_and_a_chargeback_at_once_never_both_get_the_money(replicas, payments):
    ids = [PaymentId(new_id()) for _ in range(20)]
    began = system_clock()
    await payments.authorize(*ids)
    for id_ in ids:
        await payments.capture(id_, 100_00)

    async def dispute(id_):
        # It may say no: the money was paid back before.
        with suppress(AssertionError):
            await payments.server.command("POST", "disputes", {"payment_id": str(id_)})

    await asyncio.gather(
        *(dispute(id_) for id_ in ids),
        *(
            settled(
                replicas,
                lambda each, id_=id_: each.refund(
                    id_, 100_00, refund_id=RefundId(UUID(int=id_.int + 1))
                ),
            )
            for id_ in ids
        ),
    )
    await payments.hear(since=began)

    for id_ in ids:
        payment = await payments.get(id_)
        record = await payments.server.records(str(id_))
        refunded = payment.settled(TransactionKind.REFUND).minor_units
        charged_back = payment.settled(TransactionKind.CHARGEBACK).minor_units
        assert sorted([refunded, charged_back]) == [0, 100_00]
        assert (record["refunded"], record["disputed"]) == (refunded, charged_back)


@pytest.mark.parametrize("fault", ["slow", "timeout_after_success"])
async def test_a_webhook_and_the_answer_it_overtakes_are_one_answer(payments, payment_id, fault):
    began = system_clock()
    await payments.authorize(payment_id)
    await payments.capture(payment_id, 100_00)
    refund_id = RefundId(new_id())
    await payments.server.fault(fault, "refund", next=1, ms=700)

    call = asyncio.create_task(payments.refund(payment_id, 60_00, refund_id=refund_id))
    while not call.done():
        await payments.hear(since=began)
        await asyncio.sleep(0.05)
    await payments.hear(since=began)

    payment = await payments.get(payment_id)
    assert payment.settled(TransactionKind.REFUND).minor_units == 60_00
    assert await payments.charges(payment_id) == [(100_00, 100_00, 0, 60_00)]
    entries = await payments.rows(text("SELECT kind FROM ledger_entries ORDER BY kind"))
    assert [entry.kind for entry in entries] == ["CAPTURE", "REFUND"]
