"""The PSP's rules on records in memory."""

from dataclasses import dataclass, field

import pytest

from deploy.psp.case import FLAWLESS, Books, Case
from deploy.psp.records import Event, Movement, Operation
from deploy.psp.refusals import Refusal
from deploy.psp.verbs.authorize import Authorize, authorize
from deploy.psp.verbs.capture import Capture, capture
from deploy.psp.verbs.refunds import GiveBack, give_back

MERCHANT = {"payment_id": "p-1"}


@dataclass
class World:
    books: Books = field(default_factory=Books)
    now: float = 1_000_000.0

    def case(self, flaws=FLAWLESS, account="main"):
        return Case(account=account, now=self.now, books=self.books, flaws=flaws)

    def authorize(self, amount=100_00, *, token="tok_visa", currency="EUR", flaws=FLAWLESS, **more):
        command = Authorize(
            amount=amount,
            currency=currency,
            token=token,
            metadata=MERCHANT,
            **({"multicapture": True, "incremental": True} | more),
        )
        return authorize(command, self.case(flaws))

    def capture(self, payment, amount=None, *, final=True, flaws=FLAWLESS):
        command = Capture(payment=payment.id, amount=amount, final=final, metadata={})
        return capture(command, self.case(flaws))

    def refund(self, payment, amount=None, *, flaws=FLAWLESS):
        command = GiveBack(payment=payment.id, amount=amount, metadata={})
        return give_back(command, self.case(flaws))

    def kept(self, kind):
        return [each for each in self.books.changed.values() if isinstance(each, kind)]

    @property
    def told(self):
        return [event.type for event in self.kept(Event)]

    @property
    def balance(self):
        return sum(movement.net for movement in self.kept(Movement))

    @property
    def operations(self):
        return [(each.kind, each.asked, each.moved) for each in self.kept(Operation)]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def refused():
    """
    Return the code (or the parameter) of the refusal that calling something ends with.
    """

    def call(function, *arguments, **named):
        with pytest.raises(Refusal) as caught:
            function(*arguments, **named)
        error = caught.value.error
        return error.get("code") or error.get("param")

    return call
