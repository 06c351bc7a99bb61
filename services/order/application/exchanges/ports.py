"""What exchanging goods needs from the outside."""

from dataclasses import dataclass
from typing import Protocol

from services.order.domain.values import AccountId, OrderId, ReturnId


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedReturnLine:
    """
    Some units of one SKU that somebody wants to send back, as they said it: fulfillment judges.

    Attributes:
        reason: Its number in the contract.
    """

    sku: str
    units: int
    reason: int
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedReturn:
    account_id: AccountId
    order_id: OrderId
    return_id: ReturnId
    lines: tuple[WantedReturnLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedReturn:
    """
    A return that was asked for.

    Attributes:
        is_over: Whether it was given up or turned down: nothing will come back.
        told: All that fulfillment tells of it, to be passed on.
    """

    return_id: ReturnId
    is_over: bool
    told: bytes


class Returns(Protocol):
    """
    The returns that fulfillment follows.
    """

    async def request(self, wanted: WantedReturn) -> AskedReturn:
        """
        Ask for a return; asked again, tell how it stands.

        Raises:
            DomainError: Fulfillment refuses it.
        """
        ...

    async def cancel(self, account_id: AccountId, return_id: ReturnId) -> None:
        """
        Give a return up. Giving it up again is no error.

        Raises:
            DomainError: It cannot be given up any more.
        """
        ...
