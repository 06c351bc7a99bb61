"""Requests that are to be done once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.kernel.errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    A request to be done once.

    Attributes:
        operation: What is asked for; two operations may use one id.
        content: What the request says, in one unambiguous form.
        outcome_id: The id of what it brings about if it is new; no two requests have the same.
    """

    operation: str
    request_id: UUID
    content: str
    outcome_id: UUID


class Requests(Protocol):
    """
    Every request there was.
    """

    async def claim(
        self, requests: Sequence[Request], *, now: datetime
    ) -> Sequence[UUID | DomainError | None]:
        """
        Record *requests* as done by this transaction, and answer for each: `None` if it is new;
        the outcome's id if it was done before, or earlier in this batch; a refusal if it says
        something else under a used id. Waits for a transaction that does the same one now.
        """
        ...

    async def forget(self, requests: Sequence[Request]) -> None:
        """
        Undo the claim of *requests* that were refused: they may be done later.
        """
        ...
