"""
Payments under a PSP that may lie, told twice: by the PSP's own records, and by the service.

A machine asks anything of a few payments, in any order, everything perhaps again, while the PSP is
away, answers late or never, moves another amount, and tells by webhook what it likes when it likes.
Once all is quiet the two agree, the books balance, and nobody was charged twice. It drives whatever
runs the use cases: the world in memory, or the service on PostgreSQL beside a PSP's process.
"""

from collections import Counter
from itertools import count
from uuid import UUID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from services.payment.domain.payment import Payment
from services.payment.domain.values import (
    CaptureId,
    IncrementId,
    PaymentId,
    RefundId,
    TransactionKind,
)

PAYMENTS = st.integers(1, 2)
ASKS = st.integers(1, 3)
AMOUNTS = st.sampled_from([1, 20, 30, 50, 100])
# What ends a payment is done rarely, or nothing would ever happen to one.
RARELY = st.integers(1, 6).map(lambda drawn: drawn == 1)
# What the PSP does to one verb, or to all that come, until it behaves again.
FAULTS = st.sampled_from(
    [
        "ok",
        "ok",
        "down",
        "fails_after",
        "silent_after",
        "silent_before",
        "wrong",
        "pending",
        # Webhooks: in memory they come as the machine likes, anyway.
        "duplicated",
        "reordered",
        "late",
        "lost",
        "forged",
        "stale",
    ]
)
_examples = count(1)


class Machine(RuleBasedStateMachine):
    """
    Subclasses make the `shop`: what runs the use cases, and the PSP behind them.
    """

    def shop(self):
        raise NotImplementedError

    @initialize()
    def open(self):
        self.example = UUID(int=next(_examples))
        self.ours = self.shop()
        self.answers = {}
        for number in (1, 2):
            self.authorize(number=number, amount=100)

    def id_of(self, kind, *numbers):
        return uuid5(self.example, f"{kind} {numbers}")

    def payment(self, number):
        return PaymentId(self.id_of("payment", number))

    def remember(self, verb, number, ask, amount, answer):
        """
        Whoever was told that it worked is not told anything else later.
        """
        key = verb, number, ask, amount
        before = self.answers.get(key)
        worked = isinstance(answer, Payment)
        if before is True and verb != "refund":  # a refund may come back
            assert worked or verb == "authorize", (key, answer)
        self.answers[key] = worked

    @rule(fault=FAULTS)
    def misbehave(self, fault):
        self.ours.misbehave(fault)

    @rule(number=PAYMENTS, amount=st.sampled_from([100, 100, 60]))
    def authorize(self, number, amount):
        answer = self.ours.authorize(self.payment(number), amount)
        self.remember("authorize", number, 0, amount, answer)

    @rule(number=PAYMENTS, ask=ASKS, amount=AMOUNTS)
    def increment(self, number, ask, amount):
        id_ = IncrementId(self.id_of("increment", number, ask))
        answer = self.ours.increment(self.payment(number), id_, amount)
        self.remember("increment", number, ask, amount, answer)

    @rule(number=PAYMENTS, ask=ASKS, amount=AMOUNTS)
    def capture_again(self, number, ask, amount):
        self.capture(number=number, ask=ask + 3, amount=amount)

    @rule(number=PAYMENTS, ask=ASKS, amount=AMOUNTS)
    def capture(self, number, ask, amount):
        id_ = CaptureId(self.id_of("capture", number, ask))
        answer = self.ours.capture(self.payment(number), id_, amount)
        self.remember("capture", number, ask, amount, answer)

    @rule(number=PAYMENTS, ask=ASKS, amount=AMOUNTS)
    def refund(self, number, ask, amount):
        id_ = RefundId(self.id_of("refund", number, ask))
        answer = self.ours.refund(self.payment(number), id_, amount)
        self.remember("refund", number, ask, amount, answer)

    @rule(number=PAYMENTS, sure=RARELY)
    def void(self, number, sure):
        if sure:
            self.ours.void(self.payment(number))

    @rule()
    def resolve(self):
        self.ours.resolve()

    @rule(chosen=st.integers(0, 200))
    def tell(self, chosen):
        self.ours.tell(chosen)

    @rule(number=PAYMENTS, sure=RARELY)
    def dispute(self, number, sure):
        if sure:
            self.ours.dispute(self.payment(number))

    @rule(number=PAYMENTS, won=st.booleans())
    def decide(self, number, won):
        self.ours.decide(self.payment(number), won=won)

    @rule(number=PAYMENTS)
    def send_back_refund(self, number):
        self.ours.send_back_refund(self.payment(number))

    @rule(number=PAYMENTS)
    def refund_elsewhere(self, number):
        self.ours.refund_elsewhere(self.payment(number))

    @rule(number=PAYMENTS, sure=RARELY)
    def expire(self, number, sure):
        if sure:
            self.ours.expire(self.payment(number))

    def teardown(self):
        if not hasattr(self, "ours"):
            return
        try:
            self.ours.settle_down()
            payments = [self.ours.get(self.payment(number)) for number in (1, 2)]
            for payment in filter(None, payments):
                self.check(payment)
            balances = self.ours.balances([payment for payment in payments if payment])
            check_books([payment for payment in payments if payment], balances)
        finally:
            self.ours.close()

    def check(self, payment):
        assert not payment.open_transactions, payment
        said = {kind.name.lower(): payment.total(kind).settled for kind in TransactionKind}
        assert said == self.ours.records(payment.id), payment
        assert all(total.pending == 0 for total in payment.totals.values())
        assert said["capture"] + said["void"] <= said["authorization"]
        assert said["refund"] <= said["capture"]
        if payment.closed and said["authorization"]:
            assert said["capture"] + said["void"] == said["authorization"], payment


def check_books(payments, balances):
    """
    *balances* are of these payments alone, by account, in minor units.
    """
    totals = Counter()
    suspense = 0
    for payment in payments:
        for kind in TransactionKind:
            totals[kind] += payment.total(kind).settled
        for done in payment.transactions.values():
            if done.has_succeeded and done.kind in (
                TransactionKind.CAPTURE,
                TransactionKind.REFUND,
            ):
                more = done.moved.minor_units - done.amount.minor_units
                suspense += more if done.kind is TransactionKind.REFUND else -more
    assert sum(balances.values()) == 0, balances
    assert balances.get("customer_receivable", 0) == 0, balances
    assert balances.get("suspense", 0) == suspense, balances
    moved = (
        totals[TransactionKind.CAPTURE]
        - totals[TransactionKind.REFUND]
        - totals[TransactionKind.CHARGEBACK]
    )
    assert balances.get("psp_clearing", 0) == moved, balances
