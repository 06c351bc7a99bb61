"""What the use cases need from the outside, in their own words."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.kernel.errors import InvalidInput, NotFound
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.application.chargebacks.ports import Chargebacks
from services.payment.application.webhooks.ports import PspEvents
from services.payment.domain.ledger import Balance, JournalEntry
from services.payment.domain.payment import Payment
from services.payment.domain.statement import LedgerAccount, Place, Statement
from services.payment.domain.values import (
    MerchantId,
    PaymentId,
    PspAccount,
    PspAnswer,
    PspReference,
    TransactionId,
)


class PaymentNotFound(NotFound):
    pass


class CurrencyNotServed(InvalidInput):
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

    async def ids_of(
        self, references: Collection[PspReference]
    ) -> Mapping[PspReference, PaymentId]:
        """
        Return which payment each of *references* is the money of; those nobody knows are left out.
        """
        ...

    async def claim_unsettled(self, *, limit: int, now: datetime) -> Sequence[Payment]:
        """
        Return up to *limit* payments with a transaction that has been open for too long, and
        leave them to the caller for a while: a replica that asks meanwhile gets others.
        """
        ...

    async def expired(self, *, limit: int, now: datetime) -> Sequence[PaymentId]:
        """
        Return up to *limit* payments with something left of an authorization that has expired,
        the longest expired first.
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

    async def book(self, entries: Sequence[JournalEntry]) -> None:
        """
        Add *entries*, all at one moment, which is now or a little later.
        """
        ...

    async def closed_until(self) -> datetime:
        """
        Return the moment until which the books are closed: nothing more is booked at or before
        it. That is now, once those who are booking have done so.
        """
        ...

    async def balances(self, *, as_of: datetime, merchant: MerchantId | None) -> Sequence[Balance]:
        """
        Return what every account of *merchant*, or of all merchants together, held at *as_of*,
        until which the books are closed.
        """
        ...

    async def statement(
        self, of: LedgerAccount, *, after: Place, until: datetime, limit: int
    ) -> Statement:
        """
        Return the first *limit* postings to *of* that were booked after *after* and up to
        *until*, until which the books are closed.
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

    @property
    def psp_events(self) -> PspEvents: ...

    @property
    def chargebacks(self) -> Chargebacks: ...


# Call it to begin. The block commits when it ends and rolls back when it raises.
UnitOfWork = Callable[[], AbstractAsyncContextManager[Transaction]]


class PspAccounts(Protocol):
    """
    Which account at the PSP serves whom: configuration.
    """

    def account_for(self, merchant: MerchantId, currency: str) -> PspAccount:
        """
        Raises:
            CurrencyNotServed: None serves *merchant* in *currency*.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """
    Attributes:
        key: Asked again under the same key, the PSP answers again and does nothing more.
        requested_at: When it was asked for first.
        asked_before: Whether the PSP may have heard of it already.
    """

    key: TransactionId
    account: PspAccount
    payment_id: PaymentId
    merchant: MerchantId
    amount: Money
    token: PspToken
    requested_at: datetime
    asked_before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRequest:
    """
    Attributes:
        key, requested_at, asked_before: As above.
        authorization: The PSP's name for what it has set aside.
        total: All that is set aside and the amount on top: for an increment, what it leads to.
        last: Whether a capture leaves nothing to be taken, and nothing else is being taken.
        reason: Why a refund is made, for people.
    """

    key: TransactionId
    account: PspAccount
    payment_id: PaymentId
    authorization: PspReference
    amount: Money
    total: Money
    requested_at: datetime
    asked_before: bool
    last: bool = False
    reason: str = ""


Answers = Mapping[TransactionId, PspAnswer]


class Psp(Protocol):
    """
    The payment service provider.

    Every verb answers each request by its key, within a bounded time, and does what it was asked
    once per key. A PSP that is slow, away or unclear is no error but `NoAnswer`.
    """

    async def authorize(self, requests: Sequence[AuthorizationRequest]) -> Answers: ...

    async def increment(self, requests: Sequence[FollowUpRequest]) -> Answers: ...

    async def capture(self, requests: Sequence[FollowUpRequest]) -> Answers: ...

    async def void(self, requests: Sequence[FollowUpRequest]) -> Answers: ...

    async def refund(self, requests: Sequence[FollowUpRequest]) -> Answers: ...
