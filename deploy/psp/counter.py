"""Where requests are carried out: once a key, a batch of them in one transaction."""

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from deploy.psp.answers import BROKEN, MISUSED, UNAVAILABLE, Answer, answer_to, object_of
from deploy.psp.case import Books, Case
from deploy.psp.faults import ERRORS, Faults, Occasion
from deploy.psp.objects import NOTHING
from deploy.psp.records import Event, Key
from deploy.psp.refusals import Refusal
from deploy.psp.store import Wanted
from deploy.psp.tokens import BEHAVIOURS
from deploy.psp.verbs.authorize import Authorize, authorize
from deploy.psp.verbs.cancel import Cancel, Expire, cancel, expire
from deploy.psp.verbs.capture import Capture, capture
from deploy.psp.verbs.disputes import (
    CloseDispute,
    Contest,
    OpenDispute,
    close_dispute,
    contest,
    dispute,
)
from deploy.psp.verbs.increment import Increment, increment
from deploy.psp.verbs.payouts import PayOut, pay_out
from deploy.psp.verbs.refunds import EndRefund, GiveBack, end_refund, give_back

log = logging.getLogger(__name__)

# A command, what carries it out, and the verb that faults know it by.
CARRIED_OUT: Mapping[type[Any], tuple[Callable[[Any, Case], Any], str]] = {
    Authorize: (authorize, "authorize"),
    Increment: (increment, "increment"),
    Capture: (capture, "capture"),
    Cancel: (cancel, "cancel"),
    GiveBack: (give_back, "refund"),
    Contest: (contest, "evidence"),
    Expire: (expire, ""),
    EndRefund: (end_refund, ""),
    OpenDispute: (dispute, ""),
    CloseDispute: (close_dispute, ""),
    PayOut: (pay_out, ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    Attributes:
        command: One of those that are carried out.
        key: The idempotency key; may be empty.
        fingerprint: What was asked, so that a key is not used for something else.
        expand: Which references the answer carries in full.
    """

    account: str
    command: Any
    key: str = ""
    fingerprint: str = ""
    expand: Collection[str] = NOTHING

    @property
    def verb(self) -> str:
        return CARRIED_OUT[type(self.command)][1]


def fingerprint_of(path: str, body: str) -> str:
    return hashlib.blake2b(f"{path}\n{body}".encode(), digest_size=16).hexdigest()


class Counter:
    """
    Carries out batches: reads what they are about, changes it, and writes all changes, the events
    that tell of them and the answers in one statement. Before that, nobody is answered.

    Args:
        subscribed: Which types of events an account wants to hear of.
        told: Called when there are events to deliver.
        authorization_seconds: How long banks set money aside.
        key_seconds: For how long keys are remembered.
    """

    def __init__(
        self,
        store: Any,
        faults: Faults,
        *,
        subscribed: Callable[[str, str], bool],
        told: Callable[[], None],
        authorization_seconds: int,
        key_seconds: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._faults = faults
        self._subscribed = subscribed
        self._told = told
        self._authorization_seconds = authorization_seconds
        self._key_seconds = key_seconds
        self._clock = clock

    async def carry_out(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """
        Answer *requests* in order, as if they had come one after another.
        """
        now = self._clock()
        keys = await self._keys(requests, now)
        fresh = [each for each in requests if is_fresh(keys.get((each.account, each.key)))]
        books: Books = await self._store.books(wanted_by([each.command for each in fresh]))
        answers = [self._answer(request, keys, books, now) for request in requests]
        tells = self._address(books, now)
        await self._store.write(books.changed.values())
        if tells:
            self._told()
        return answers

    async def _keys(self, requests: Sequence[Request], now: float) -> dict[tuple[str, str], Key]:
        """
        Return those keys of *requests* that were used before, by account and key, but for those
        that are forgotten.
        """
        asked = [(each.account, each.key) for each in requests if each.key]
        known: dict[tuple[str, str], Key] = await self._store.keys(asked)
        return {name: key for name, key in known.items() if key.created > now - self._key_seconds}

    def _answer(
        self, request: Request, keys: dict[tuple[str, str], Key], books: Books, now: float
    ) -> Answer:
        key = keys.get((request.account, request.key))
        if key and key.fingerprint != request.fingerprint:
            return MISUSED
        if key and key.status:
            return Answer(status=key.status, body=key.body.encode(), replayed=True)
        if request.key and key is None:
            key = keys[request.account, request.key] = new_key(request, now)
        if key:
            books.keep(key)
        if is_away(request, key):
            return UNAVAILABLE
        answer = self._first_answer(request, books, now)
        if key:
            key.status, key.body = answer.status, answer.body.decode()
        return answer

    def _first_answer(self, request: Request, books: Books, now: float) -> Answer:
        """
        Do what is asked.
        """
        occasion = Occasion(request.account, request.verb)
        errors = [fault.kind for fault in self._faults.strike(occasion, ERRORS)]
        if "error_without_effect" in errors:
            return BROKEN
        case = Case(
            account=request.account,
            now=now,
            books=books,
            key=request.key,
            flaws=self._faults.flaws(occasion),
            authorization_seconds=self._authorization_seconds,
        )
        work, _ = CARRIED_OUT[type(request.command)]
        try:
            done = work(request.command, case)
        except Refusal as refusal:
            return answer_to(refusal)
        if "error_after_success" in errors:
            return BROKEN
        body = orjson.dumps(object_of(done, books, request.expand))
        return Answer(status=200, body=body, cut=cuts(request.command))

    def _address(self, books: Books, now: float) -> bool:
        """
        Have those events delivered that somebody wants to hear of; say whether there are any.
        """
        tells = False
        for record in books.changed.values():
            if isinstance(record, Event) and self._subscribed(record.account, record.type):
                record.deliver_at = now
                tells = True
        return tells


def new_key(request: Request, now: float) -> Key:
    return Key(
        account=request.account,
        key=request.key,
        created=int(now),
        fingerprint=request.fingerprint,
    )


def is_fresh(key: Key | None) -> bool:
    return key is None or key.status == 0


def is_away(request: Request, key: Key | None) -> bool:
    """
    Return whether this is an ask that the card's token lets go unheard; count it.
    """
    if not isinstance(request.command, Authorize):
        return False
    behaviour = BEHAVIOURS.get(request.command.token)
    asks = key.asks if key else 0
    if behaviour is None or asks >= behaviour.away:
        return False
    if key:
        key.asks += 1
    return True


def cuts(command: Any) -> bool:
    behaviour = BEHAVIOURS.get(command.token) if isinstance(command, Authorize) else None
    return behaviour is not None and behaviour.cut


def wanted_by(commands: Sequence[Any]) -> Wanted:
    def named(what: str) -> set[str]:
        return {getattr(each, what) for each in commands if hasattr(each, what)}

    return Wanted(
        payments=named("payment"),
        refunds=named("refund"),
        disputes=named("dispute"),
    )
