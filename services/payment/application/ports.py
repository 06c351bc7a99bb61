"""What the use cases need from the outside, in their own words."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.kernel.errors import NotFound
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.domain.ledger import Balance, JournalEntry
from services.payment.domain.payment import Payment
from services.payment.domain.values import PaymentId, PspAnswer, PspReference, TransactionId


class PaymentNotFound(NotFound):
    pass


class Payments(Protocol):
    """
    Every payment there is.
    """

    async def get(self, payment_id: PaymentId) -> Payment:
        """
        Raises:
            PaymentNotFound: There is no such payment.
        """
        ...

    async def open(self, payment_ids: Collection[PaymentId]) -> dict[PaymentId, Payment]:
        """
        Return the payments of *payment_ids*, locked until the transaction ends; one that nobody
        has asked anything of is blank.
        """
        ...

    async def claim_unsettled(self, *, limit: int, now: datetime) -> Sequence[Payment]:
        """
        Return up to *limit* payments with a transaction that has been open for too long, and
        leave them to the caller for a while: a replica that asks meanwhile gets others.
        """
        ...

    async def save(self, payments: Iterable[Payment]) -> None:
        """
        Write those of *payments* that have changed.

        Raises:
            Conflict: Someone else saved one of them first.
        """
        ...


class Ledger(Protocol):
    """
    The books.
    """

    async def book(self, entries: Sequence[JournalEntry]) -> None: ...

    async def balances(self) -> Sequence[Balance]:
        """
        Return the sum of every account in every currency.
        """
        ...


class Transaction(Protocol):
    """
    What one database transaction can reach.
    """

    @property
    def payments(self) -> Payments: ...

    @property
    def ledger(self) -> Ledger: ...


# Call it to begin. The block commits when it ends and rolls back when it raises.
UnitOfWork = Callable[[], AbstractAsyncContextManager[Transaction]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """
    Attributes:
        key: Asked again under the same key, the PSP answers again and does nothing more.
    """

    key: TransactionId
    payment_id: PaymentId
    amount: Money
    token: PspToken


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRequest:
    """
    Attributes:
        key: As above.
        authorization: The PSP's name for what it has set aside.
    """

    key: TransactionId
    authorization: PspReference
    amount: Money


Answers = Mapping[TransactionId, PspAnswer]


class Psp(Protocol):
    """
    The payment service provider.

    Every verb answers each request by its key, within a bounded time, and does what it was asked
    once per key. A PSP that is slow, away or unclear is no error but `NoAnswer`.
    """

    async def authorize(self, requests: Sequence[AuthorizationRequest]) -> Answers: ...

    async def capture(self, requests: Sequence[FollowUpRequest]) -> Answers: ...

    async def void(self, requests: Sequence[FollowUpRequest]) -> Answers: ...
