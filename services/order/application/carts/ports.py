"""What the use cases of carts need from the outside, in their own words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.kernel.errors import DomainError, NotFound
from services.order.domain.cart import Cart, CartId
from services.order.domain.values import AccountId


class CartNotFound(NotFound):
    pass


class Carts(Protocol):
    """
    Every cart there is.
    """

    async def find(self, cart_ids: Collection[CartId]) -> dict[CartId, Cart]:
        """
        Return the carts of *cart_ids* that exist.
        """
        ...

    async def lock(
        self, cart_ids: Collection[CartId], *, and_open_of: AccountId | None = None
    ) -> dict[CartId, Cart]:
        """
        Return the carts of *cart_ids* that exist, and the open one of an account if it is asked
        for: nobody else changes them before the transaction ends.
        """
        ...

    async def lock_overdue(self, now: datetime, *, limit: int) -> Sequence[Cart]:
        """
        Return carts whose time is over, open or ended, for this transaction only; but for those
        that somebody is at work on.
        """
        ...

    async def save(self, carts: Sequence[Cart]) -> None:
        """
        Raises:
            Conflict: Someone else saved one of them since it was read, or gave its account an open
                cart; perhaps only at the end of the transaction.
        """
        ...

    async def delete(self, carts: Sequence[Cart]) -> None:
        """
        Delete carts, and with them what is known of the requests about them.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CartRequest:
    """
    What tells one request to change a cart from another.

    Attributes:
        caller: The account's id; of a caller who is nobody yet, the cart's.
        fingerprint: Stands for all it says: another content under a used id is refused.
    """

    caller: str
    request_id: UUID
    fingerprint: bytes

    @property
    def key(self) -> tuple[str, UUID]:
        return self.caller, self.request_id


class CartRequests(Protocol):
    """
    Which requests to change carts were done.
    """

    async def find(self, requests: Sequence[CartRequest]) -> Sequence[CartId | DomainError | None]:
        """
        Return for each request the cart it was about, or the refusal of one that says something
        else under a used id; `None` if it was not done.
        """
        ...

    async def record(
        self, requests: Sequence[tuple[CartRequest, CartId]], *, now: datetime
    ) -> None:
        """
        Record *requests*, no two of one key, as done.

        Raises:
            Conflict: One of them was done meanwhile; perhaps only at the end of the transaction.
        """
        ...
