"""What the use cases of chargebacks need from the outside, in their own words."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.kernel.errors import NotFound
from services.payment.domain.chargeback import Chargeback, Evidence, EvidenceAnswer
from services.payment.domain.facts import ChargebackState
from services.payment.domain.values import ChargebackId, PaymentId, PspAccount


class ChargebackNotFound(NotFound):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackQuery:
    """
    Which chargebacks to list: those whose evidence is due first at the front.

    Attributes:
        state: Only those; `None`: all that are not over.
        payment_id: Only those of this payment; `None`: of any.
        after: Only those past this one: when its evidence is due, and its id; `None`: from the
            first.
    """

    state: ChargebackState | None = None
    payment_id: PaymentId | None = None
    after: tuple[datetime | None, ChargebackId] | None = None
    limit: int


class Chargebacks(Protocol):
    """
    Every chargeback there is.
    """

    async def get(self, chargeback_id: ChargebackId) -> Chargeback:
        """
        Raises:
            ChargebackNotFound: There is no such chargeback.
        """
        ...

    async def open(self, ids: Collection[ChargebackId]) -> dict[ChargebackId, Chargeback]:
        """
        Return those of *ids* that there are, locked until the transaction ends.
        """
        ...

    async def list(self, query: ChargebackQuery) -> Sequence[Chargeback]: ...

    async def claim_unsubmitted(self, *, limit: int, now: datetime) -> Sequence[Chargeback]:
        """
        Return up to *limit* chargebacks with evidence of which the PSP has not said for too long
        that it has it, and leave them to the caller for a while: a replica that asks meanwhile
        gets others.
        """
        ...

    async def claim_due(self, *, due_before: datetime, limit: int) -> Sequence[Chargeback]:
        """
        Return up to *limit* chargebacks whose evidence is due before then and has not been
        submitted: each once.
        """
        ...

    async def backlog(self, *, due_before: datetime) -> tuple[int, int]:
        """
        Return how many chargebacks are not decided, and how many of them await evidence that is
        due before then.
        """
        ...

    async def save(self, chargebacks: Iterable[Chargeback]) -> None: ...


class Disputes(Protocol):
    """
    Where evidence goes: the PSP.
    """

    async def submit_evidence(
        self, account: PspAccount, chargeback_id: ChargebackId, evidence: Evidence, *, key: str
    ) -> EvidenceAnswer:
        """
        Submit *evidence*, within a bounded time, once per *key*. A PSP that is slow, away or
        unclear is no error but `NoAnswer`.
        """
        ...
