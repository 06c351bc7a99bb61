"""Payments agree with the records of a PSP that may lie, whatever happens in whatever order."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from chassis.kernel.money import Money
from services.payment.domain.facts import (
    AuthorizationLost,
    ChargedBack,
    RefundedElsewhere,
    TransactionSettled,
)
from services.payment.domain.payment import NotExplained, Payment
from services.payment.domain.values import NO_REFERENCE, Declined, NoAnswer
from tests.payment_model import Machine
from tests.unit.payment.conftest import PaymentWorld
from tests.unit.payment.lying_psp import LyingPsp

HOW = settings(
    max_examples=100,
    stateful_step_count=50,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


class Shop:
    """
    The use cases in memory, in front of a PSP that may lie.
    """

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.world = PaymentWorld()
        self.world.psp = self.psp = LyingPsp()

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def misbehave(self, fault):
        self.psp.fault = fault

    def authorize(self, payment_id, amount):
        return self.run(self.world.authorize(payment_id, Money(amount, "EUR")))

    def increment(self, payment_id, increment_id, amount):
        return self.run(self.world.increment(payment_id, increment_id, Money(amount, "EUR")))

    def capture(self, payment_id, capture_id, amount):
        return self.run(self.world.capture(payment_id, capture_id, Money(amount, "EUR")))

    def refund(self, payment_id, refund_id, amount):
        return self.run(self.world.refund(payment_id, refund_id, Money(amount, "EUR")))

    def void(self, payment_id):
        return self.run(self.world.void(payment_id))

    def resolve(self):
        self.world.now += timedelta(minutes=10)
        self.run(self.world.resolve())

    def tell(self, chosen):
        if self.psp.facts:
            self.note(self.psp.facts[chosen % len(self.psp.facts)])

    def note(self, fact):
        payment_id = self.payment_of(fact)
        if payment_id is None or payment_id not in self.world.payments:
            return
        now = self.world.now

        def noted(payment):
            match fact:
                case TransactionSettled():
                    return payment.settle(fact.transaction_id, fact.answer, now=now)
                case AuthorizationLost():
                    payment.expire(now=now)
                    return ()
                case RefundedElsewhere():
                    return payment.note_refund(fact, now=now)
                case ChargedBack():
                    return payment.charge_back(fact, now=now)

        # It is told again later.
        with suppress(NotExplained):
            self.run(self.world.tell(payment_id, noted))

    def payment_of(self, fact):
        if isinstance(fact, TransactionSettled | AuthorizationLost):
            return fact.payment_id
        known = {
            payment.psp_reference: payment.id
            for payment in self.world.payments.values()
            if payment.psp_reference != NO_REFERENCE
        }
        return known.get(fact.authorization)

    def dispute(self, payment_id):
        self.psp.dispute(payment_id)

    def decide(self, payment_id, *, won):
        self.psp.decide(payment_id, won=won)

    def send_back_refund(self, payment_id):
        self.psp.send_back_refund(payment_id)

    def refund_elsewhere(self, payment_id):
        self.psp.refund_elsewhere(payment_id)

    def expire(self, payment_id):
        self.psp.expire(payment_id)

    def settle_down(self):
        self.psp.fault = "ok"
        for _ in range(4):
            self.resolve()
            for fact in list(self.psp.facts):
                self.note(fact)

    def get(self, payment_id):
        return self.world.payments.get(payment_id)

    def records(self, payment_id):
        return self.psp.records(payment_id)

    def balances(self, _payments):
        return self.world.balances()

    def close(self):
        self.loop.close()


class InMemory(Machine):
    def shop(self):
        return Shop()


def test_payments_agree_with_the_psp_and_with_the_books():
    run_state_machine_as_test(InMemory, settings=HOW)


def find_mistake():
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(InMemory, settings=HOW)


def test_the_model_sees_an_unknown_answer_that_is_guessed(monkeypatch):
    # The mistake: no answer is taken for a no.
    settle = Payment._settle

    def guess(self, asked, answer, *, now):
        answer = Declined("timeout") if answer == NoAnswer() else answer
        return settle(self, asked, answer, now=now)

    monkeypatch.setattr(Payment, "_settle", guess)
    find_mistake()


def test_the_model_sees_books_of_what_was_asked_instead_of_what_moved(monkeypatch):
    def as_asked(self, asked, answer):
        return succeed(self, asked, replace(answer, moved=asked.amount))

    succeed = Payment._succeed
    monkeypatch.setattr(Payment, "_succeed", as_asked)
    find_mistake()


def test_the_model_sees_a_refund_that_came_back_and_is_not_unbooked(monkeypatch):
    monkeypatch.setattr(Payment, "_undo", lambda *_, **__: ())
    find_mistake()


def test_the_model_sees_a_charge_that_is_made_twice(monkeypatch):
    # The mistake is the PSP's: it knows no key again that it has left unanswered.
    answer = LyingPsp._answer

    def forget(self, request, do):
        answered = answer(self, request, do)
        if answered == NoAnswer():
            self.done.pop(request.key, None)
        return answered

    monkeypatch.setattr(LyingPsp, "_answer", forget)
    find_mistake()
