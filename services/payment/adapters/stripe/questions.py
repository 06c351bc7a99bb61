"""
How something is asked of Stripe so that it happens once, whatever fails.

A request whose answer does not come may have been done, may be under way, or may never have
arrived. Asked again under the same key, Stripe tells these apart for us: it gives the first
answer again, says that the first request is under way (409), or does it now. So nothing is ever
asked under a second key until the first can have no effect any more: because its failure is kept
(see `keys`), or because a day and a quiet hour have passed. Before the second key, and before
the first ask of a new day, what has happened is looked for among Stripe's objects by our marks;
what is found is the answer. That nothing is found is believed only then: a look alone, while a
request may be under way, proves nothing.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

from services.payment.adapters.stripe.keys import is_quiet, keys_of, may_be_forgotten
from services.payment.adapters.stripe.replies import Silence
from services.payment.domain.values import NoAnswer

log = logging.getLogger(__name__)

A_co = TypeVar("A_co", covariant=True)


class Question(Protocol[A_co]):
    """
    One thing asked of Stripe.
    """

    @property
    def key(self) -> object:
        """
        What it is called, as text: the first idempotency key.
        """
        ...

    @property
    def looks_at_once(self) -> bool:
        """
        Whether looking is so cheap that it is done before the caller is told that nothing is known.
        """
        ...

    async def ask(self, idempotency_key: str) -> A_co | Silence: ...

    async def look(self) -> A_co | None:
        """
        Return what came of it; `None` if it has not happened, as far as can be seen.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    Attributes:
        age: How long ago it was asked for first.
        before: Whether Stripe may have heard of it already.
    """

    age: timedelta
    before: bool


async def answer_to(question: Question[A_co], asked: Asked) -> A_co | NoAnswer:
    """
    Return what Stripe answers. Safe to repeat, by anybody, at any time.
    """
    if asked.before and may_be_forgotten(asked.age):
        found = await question.look()
        if found:
            return found
    if is_quiet(asked.age):
        return NoAnswer()
    for idempotency_key in keys_of(question.key, asked.age):
        verdict = await question.ask(idempotency_key)
        if not isinstance(verdict, Silence):
            return verdict
        if verdict is Silence.UNCLEAR and not question.looks_at_once:
            return NoAnswer()
        found = await question.look()
        if found or verdict is not Silence.SPENT:
            return found or NoAnswer()
        log.warning("Stripe failed at %s for good, without effect", idempotency_key)
    return NoAnswer()
