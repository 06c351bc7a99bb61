"""What the use cases of returns need from the outside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.fulfillment.application.shipments.ports import KeptLabel
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.line import Count
from services.fulfillment.domain.returns.values import (
    AccountId,
    ReceiptId,
    ReturnId,
    ReturnState,
)
from services.fulfillment.domain.values import LocationId, OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """
    What came back at one time for one return.

    Attributes:
        counts: Each SKU and disposition once, in order.
        is_last: Nothing more will come.
    """

    id: ReceiptId
    return_id: ReturnId
    counts: tuple[Count, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a page ends: the moment that it is in order of, and the return.
    """

    moment: datetime
    return_id: ReturnId


class Returns(Protocol):
    """
    Every return there is.

    What is read to be changed is locked until the transaction ends, in order of id. Whoever opens
    one locks the order's fulfillment orders first: that is the lock on what can be returned.
    """

    async def with_ids(self, ids: Collection[ReturnId]) -> Sequence[Return]: ...

    async def of_orders(
        self, order_ids: Collection[OrderId], ids: Collection[ReturnId] = ()
    ) -> Sequence[Return]:
        """
        Return those of some orders, and those with *ids* as well.
        """
        ...

    async def overdue(self, now: datetime, *, limit: int) -> Sequence[Return]:
        """
        Return those that wait in vain, the longest first; not those that another transaction has
        locked.
        """
        ...

    async def find(self, return_id: ReturnId) -> Return | None:
        """
        Return one to be looked at only.
        """
        ...

    async def of_account(
        self, account_id: AccountId, order_id: OrderId | None, *, after: Place | None, limit: int
    ) -> Sequence[Return]:
        """
        Return those of an account, or of one of its orders, to be looked at only: the newest
        first, from *after* on.
        """
        ...

    async def waiting(
        self,
        state: ReturnState | None,
        location_id: LocationId | None,
        *,
        after: Place | None,
        limit: int,
    ) -> Sequence[Return]:
        """
        Return those in a state, or with goods to send back if that is `None`, to be looked at
        only: the longest in their state first, from *after* on.
        """
        ...

    async def receipts(self, ids: Collection[ReceiptId]) -> Mapping[ReceiptId, Receipt]: ...

    async def label(self, return_id: ReturnId) -> KeptLabel | None: ...

    async def keep_label(self, return_id: ReturnId, label: KeptLabel) -> None: ...

    async def save(self, returns: Sequence[Return], receipts: Sequence[Receipt] = ()) -> None:
        """
        Write those of *returns* that have changed, with the *receipts* that changed them, and
        tell the events.

        Raises:
            Conflict: Somebody else used the id of a new return or receipt meanwhile.
        """
        ...
