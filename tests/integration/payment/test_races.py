"""The same money asked for by many at once, over two replicas with connections of their own."""

import asyncio
from itertools import count
from uuid import UUID

import pytest

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
async def replicas(payments, psp, connected):
    return Replicas(payments, Payments(await connected(), psp, payments.server))


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
