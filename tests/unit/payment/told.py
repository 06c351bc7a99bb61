"""What the PSP told and chargebacks, in memory."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.payment.application.chargebacks.ports import ChargebackNotFound
from services.payment.application.webhooks.ports import Outcome, PspEvent, PspEventId
from services.payment.domain.facts import ChargebackState
from services.payment.domain.values import PspAccount

PATIENCE = timedelta(seconds=5)
ACCOUNT = PspAccount("account of main")


class InMemoryPspEvents:
    """
    Attributes:
        waiting, done, failed: Events by key; those that wait with when they are due and why.
    """

    def __init__(self):
        self.waiting = {}
        self.done = {}
        self.failed = {}

    async def add(self, events):
        fresh = {}
        for event in events:
            if event.key not in {*self.waiting, *self.done, *self.failed}:
                fresh.setdefault(event.key, (event, event.received_at, ""))
        self.waiting |= fresh
        return set(fresh)

    async def claim(self, *, limit, now, only=None):
        due = [
            (due_at, event)
            for key, (event, due_at, _) in self.waiting.items()
            if due_at <= now and only in (None, key)
        ]
        return [event for _, event in sorted(due, key=lambda each: each[0])][:limit]

    async def file(self, events):
        for each in events:
            event = replace(each.event, attempts=each.event.attempts + 1)
            del self.waiting[event.key]
            if each.outcome is Outcome.WAITING:
                self.waiting[event.key] = (event, each.due_at, each.reason)
            elif each.outcome is Outcome.FAILED:
                self.failed[event.key] = (event, each.reason)
            else:
                self.done[event.key] = event

    async def forget(self, *, before, limit):
        old = [key for key, event in self.done.items() if event.received_at < before][:limit]
        for key in old:
            del self.done[key]
        return len(old)


class InMemoryChargebacks:
    def __init__(self):
        self.by_id = {}
        self.warned = set()

    async def get(self, chargeback_id):
        if chargeback_id not in self.by_id:
            raise ChargebackNotFound(chargeback_id)
        return self.by_id[chargeback_id]

    async def open(self, ids):
        return {id_: self.by_id[id_] for id_ in ids if id_ in self.by_id}

    async def claim_unsubmitted(self, *, limit, now):
        return [
            each
            for each in self.by_id.values()
            if each.evidence and each.asked_at + PATIENCE <= now
        ][:limit]

    async def claim_due(self, *, due_before, limit):
        due = [
            each
            for each in self.by_id.values()
            if each.state is ChargebackState.NEEDS_RESPONSE
            and each.id not in self.warned
            and not each.evidence
            and each.evidence_due_at
            and each.evidence_due_at < due_before
        ][:limit]
        self.warned |= {each.id for each in due}
        return due

    async def save(self, chargebacks):
        self.by_id |= {each.id: each for each in chargebacks}


class Telling:
    """
    Events that say what a test wants, and how to read them.
    """

    def __init__(self):
        self._said = {}

    def event(self, *facts, now, id_=None, account=ACCOUNT, type_="test"):
        id_ = id_ or f"evt_{len(self._said)}"
        self._said[id_] = facts
        return an_event(id_, now=now, account=account, type_=type_)

    def facts_of(self, payload):
        """
        Return what the event says; raise it, if that is an error.
        """
        for fact in self._said[payload]:
            if isinstance(fact, Exception):
                raise fact
        return self._said[payload]


def an_event(id_, *, now: datetime, account=ACCOUNT, type_="test"):
    return PspEvent(
        account=account,
        id=PspEventId(id_),
        type=type_,
        payload=id_,
        created_at=now,
        received_at=now,
    )
