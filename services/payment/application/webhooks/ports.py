"""What the PSP has told, in the words of the use cases."""

from collections.abc import AsyncIterator, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from services.payment.domain.facts import PspFact
from services.payment.domain.values import PspAccount


class PspUnavailable(ConnectionError):
    """
    The PSP does not answer. Ask again later.
    """


# The PSP's own name for what it tells.
PspEventId = NewType("PspEventId", str)

# Two accounts are two senders: neither can take a name that the other needs.
PspEventKey = tuple[PspAccount, PspEventId]


@dataclass(frozen=True, slots=True, kw_only=True)
class PspEvent:
    """
    One thing that the PSP has told, by a webhook.

    Attributes:
        type: The PSP's word for what it is about, such as "charge.refunded".
        payload: The text that was signed.
        created_at: When it happened, by the PSP's clock.
        attempts: How often it was worked on.
    """

    account: PspAccount
    id: PspEventId
    type: str
    payload: str
    created_at: datetime
    received_at: datetime
    attempts: int = 0

    @property
    def key(self) -> PspEventKey:
        return self.account, self.id


class Outcome(StrEnum):
    """
    What became of an event.
    """

    NOTED = "noted"
    # Of a type that says nothing of payments.
    IGNORED = "ignored"
    # About a payment that is not ours, or another account's.
    FOREIGN = "foreign"
    # What it follows from is not known here yet, or it could not be worked on: it waits.
    WAITING = "waiting"
    # It has waited for too long: it is for a person.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedOff:
    """
    What became of *event*.

    Attributes:
        reason: Why it waits or has failed.
        due_at: When it is looked at again, if it waits.
    """

    event: PspEvent
    outcome: Outcome
    due_at: datetime
    reason: str = ""


class PspEvents(Protocol):
    """
    Everything that the PSP has told of late.
    """

    async def add(self, events: Sequence[PspEvent]) -> AbstractSet[PspEventKey]:
        """
        Write down those of *events* that are new, and return which these are.
        """
        ...

    async def claim(
        self, *, limit: int, now: datetime, only: PspEventKey | None = None
    ) -> Sequence[PspEvent]:
        """
        Return up to *limit* events that are to be looked at, the longest due first, locked until
        the transaction ends; a replica that asks meanwhile gets others.

        Args:
            only: Leave all but this one alone.
        """
        ...

    async def file(self, events: Sequence[WorkedOff]) -> None:
        """
        Write down what became of *events*. Of those that are done only the name is kept, so that
        they are known when they come again.
        """
        ...

    async def backlog(self) -> tuple[int, datetime | None, int]:
        """
        Return how many events are to be worked off, since when the oldest of them, and how many
        have failed.
        """
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """
        Delete up to *limit* events that are done and were received before then; return how many.
        """
        ...


# What a payload says, as far as it is about payments. Pure; the PSP's adapter knows its words.
FactsOf = Callable[[str], Sequence[PspFact]]


class PspEventFeed(Protocol):
    """
    What an account at the PSP has to tell, for whoever missed it.
    """

    def told_since(self, account: PspAccount, since: datetime) -> AsyncIterator[Sequence[PspEvent]]:
        """
        Yield what happened at *account* since then without being asked for by a call: disputes,
        refunds, authorizations that are lost. In pieces; an event may come more than once.

        Raises:
            PspUnavailable: The PSP does not answer. What was yielded before is true.
        """
        ...
