"""Whatever is returned, claimed, lost, counted and told again: never is too much made good."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from services.fulfillment.adapters.return_rows import row_from_return
from services.fulfillment.application.returns import open_parcel_returns, open_returns
from services.fulfillment.domain.returns.events import ReturnReceived
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.domain.returns.values import ReturnKind, ReturnState
from tests.unit.fulfillment.conftest import FulfillmentWorld
from tests.unit.fulfillment.returns.conftest import ReturnsDesk

HOW = settings(
    max_examples=30,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)

SETTLED = (ReturnState.RECEIVED, ReturnState.CLOSED)
OFF = (ReturnState.DECLINED, ReturnState.CANCELLED)

PLACE = st.integers(0, 99)
UNITS = st.integers(1, 3)
CONDITIONS = st.sampled_from(["SELLABLE", "DAMAGED", "MISSING", "REFUSED"])


class Returning(RuleBasedStateMachine):
    """
    One order of lamps. What has happened is counted here, beside the code.
    """

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = FulfillmentWorld()
        policy = ReturnPolicy(auto_approve_units=2, auto_claim_units=1)
        self.desk = ReturnsDesk(self.world, policy)
        # By parcel: how many units, and what became of it.
        self.sent = {}
        self.fate = {}
        # What was asked and counted, to be told again.
        self.asked = []
        self.receipts = []
        self.counted = Counter()
        self.received = []
        self.closed = {}

    def run(self, coroutine):
        answer = self.loop.run_until_complete(coroutine)
        self.note()
        return answer

    def may(self, coroutine):
        """
        Do what may be refused, and return whether it was done.
        """
        with suppress(DomainError):
            self.run(coroutine)
            return True
        return False

    def note(self):
        events = self.world.events
        self.received += [event for event in events if isinstance(event, ReturnReceived)]
        events.clear()

    def held(self):
        """
        How many units of each parcel are in returns.
        """
        held = Counter()
        for some in self.world.returns.values():
            if some.state not in OFF:
                for part in some.lines[0].parcels:
                    held[part.shipment_id] += part.units
        return held

    def pick(self, place, some):
        return list(some)[place % len(some)]

    @precondition(lambda self: len(self.sent) < 5)
    @rule(units=UNITS)
    def send(self, units):
        parcel = self.run(self.desk.sent(at=f"place-{len(self.sent)}", LAMP=units))
        self.sent[parcel], self.fate[parcel] = units, "SENT"

    @precondition(lambda self: "SENT" in self.fate.values())
    @rule(place=PLACE, fate=st.sampled_from(["DELIVERED", "DELIVERED", "LOST", "BACK"]))
    def end(self, place, fate):
        parcel = self.pick(place, [p for p in self.sent if self.fate[p] == "SENT"])
        self.fate[parcel] = fate
        self.end_again(place=list(self.sent).index(parcel))
        if fate != "DELIVERED":
            assert self.held()[parcel] == self.sent[parcel]

    @precondition(lambda self: self.sent)
    @rule(place=PLACE)
    def end_again(self, place):
        parcel = self.pick(place, self.sent)
        if self.fate[parcel] == "DELIVERED":
            self.run(self.desk.arrived(parcel))
        elif self.fate[parcel] != "SENT":
            self.run(self.desk.gone(parcel, lost=self.fate[parcel] == "LOST"))

    @rule(units=st.integers(1, 5))
    def ask(self, units):
        self._ask(self.desk.ask, {"id_": new_id(), "LAMP": units})

    @rule(units=st.integers(1, 5), reason=st.sampled_from(["LOST", "DAMAGED"]))
    def claim(self, units, reason):
        self._ask(self.desk.claim, {"id_": new_id(), "LAMP": units, "reason": reason})

    def _ask(self, verb, words):
        if self.may(verb(**words)):
            self.asked.append((verb, words))

    @precondition(lambda self: self.asked)
    @rule(place=PLACE)
    def ask_again(self, place):
        verb, words = self.pick(place, self.asked)
        before = row_from_return(self.world.returns[words["id_"]])
        assert row_from_return(self.run(verb(**words))) == before

    @precondition(lambda self: self.world.returns)
    @rule(place=PLACE, verb=st.sampled_from(["approve", "decline", "cancel", "send_back", "close"]))
    def decide(self, place, verb):
        self.may(getattr(self.desk, verb)(self.pick(place, self.world.returns)))

    @precondition(lambda self: self.world.returns)
    @rule(place=PLACE, units=UNITS, condition=CONDITIONS, is_last=st.booleans())
    def receive(self, place, units, condition, is_last):
        words = {"receipt_id": new_id(), "is_last": is_last, "LAMP": (condition, units)}
        return_id = self.pick(place, self.world.returns)
        if self.may(self.desk.receive(return_id, **words)):
            self.receipts.append((return_id, words))
            self.counted[return_id, condition] += units

    @precondition(lambda self: self.receipts)
    @rule(place=PLACE)
    def receive_again(self, place):
        return_id, words = self.pick(place, self.receipts)
        self.run(self.desk.receive(return_id, **words))

    @rule(days=st.sampled_from([1, 4, 15, 31]))
    def wait(self, days):
        self.world.later(days=days)
        self.run(self.desk.expire())

    @invariant()
    def no_unit_is_taken_twice(self):
        held = [some for some in self.world.returns.values() if some.state not in OFF]
        assert sum(some.units for some in held) == self.held().total()
        for parcel, units in self.held().items():
            assert units <= self.sent[parcel]

    @invariant()
    def never_more_is_made_good_than_was_sent(self):
        accepted = sum(goods.accepted for event in self.received for goods in event.goods)
        assert accepted <= sum(self.sent.values())

    @invariant()
    def what_customers_send_back_had_reached_them(self):
        arrived = sum(n for p, n in self.sent.items() if self.fate[p] == "DELIVERED")
        returns = [r for r in self.world.returns.values() if r.kind is ReturnKind.RETURN]
        assert sum(some.units for some in returns if some.state not in OFF) <= arrived

    @invariant()
    def counts_add_up(self):
        for some in self.world.returns.values():
            (line,) = some.lines
            for condition in ("SELLABLE", "DAMAGED", "REFUSED"):
                told = self.counted[some.id, condition]
                assert getattr(line, condition.lower()) == told
            if some.kind is not ReturnKind.CLAIM:
                assert (some.state in SETTLED) == (line.counted == line.units)

    @invariant()
    def what_is_received_is_told_once(self):
        told = Counter(event.return_id for event in self.received)
        for some in self.world.returns.values():
            assert told[some.id] == (some.state in SETTLED)
        for event in self.received:
            (goods,), kind = event.goods, event.kind
            units = self.world.returns[event.return_id].units
            counted = self.counted[event.return_id, "SELLABLE"]
            counted += self.counted[event.return_id, "DAMAGED"]
            assert goods.accepted == (counted if kind is ReturnKind.RETURN else units)
            assert goods.sellable + goods.damaged == counted

    @invariant()
    def what_is_closed_stays_closed(self):
        for some in self.world.returns.values():
            if some.state is ReturnState.CLOSED:
                self.closed.setdefault(some.id, some.lines)
        for id_, lines in self.closed.items():
            now = self.world.returns[id_]
            assert (now.state, now.lines) == (ReturnState.CLOSED, lines)

    def teardown(self):
        self.loop.close()


def test_no_unit_is_made_good_twice_whatever_happens():
    run_state_machine_as_test(Returning, settings=HOW)


def forget(_returns):
    return Counter()


def return_twice(machine):
    machine.send(units=3)
    machine.end(place=0, fate="DELIVERED")
    machine.ask(units=2)
    machine.ask(units=2)


def lose_what_was_claimed(machine):
    machine.send(units=3)
    machine.wait(days=15)
    machine.claim(units=2, reason="LOST")
    machine.end(place=0, fate="LOST")


@pytest.mark.parametrize(
    ("story", "module"),
    [(return_twice, open_returns), (lose_what_was_claimed, open_parcel_returns)],
)
def test_the_model_sees_a_unit_that_is_made_good_twice(monkeypatch, story, module):
    right = Returning()
    story(right)
    right.no_unit_is_taken_twice()
    right.teardown()

    # The mistake: what is in returns already is not looked at.
    monkeypatch.setattr(module, "taken_by", forget)
    wrong = Returning()
    with pytest.raises(AssertionError):
        story(wrong)
        wrong.no_unit_is_taken_twice()
    wrong.teardown()
