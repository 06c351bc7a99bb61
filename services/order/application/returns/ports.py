"""What making returns good needs from the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.order.application.participants import Refused
from services.order.domain.order import Order
from services.order.domain.order_return import OrderReturn
from services.order.domain.values import ReturnId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCase:
    """
    A return and its order, which are read and saved as one.
    """

    order: Order
    return_id: ReturnId

    @property
    def taken(self) -> OrderReturn:
        return self.order.returns[self.return_id]


class ReturnCases(Protocol):
    """
    Every return there is, with its order.
    """

    async def find(self, ids: Sequence[UUID]) -> Mapping[UUID, ReturnCase]:
        """
        Return the cases of those *ids* that are of returns. Two of one order share it.
        """
        ...


class Restocking(Protocol):
    """
    The stock that product keeps.
    """

    async def restock(self, cases: Sequence[ReturnCase]) -> Sequence[Refused | None]:
        """
        Book in what came back of each return, where it is: once, however often it is asked.
        """
        ...


class Refunds(Protocol):
    """
    The money that payment keeps.
    """

    async def refund(self, cases: Sequence[ReturnCase]) -> Sequence[Refused | None]:
        """
        Pay back what was decided for each return: once, however often it is asked.
        """
        ...


class ReturnDesk(Protocol):
    """
    The returns as fulfillment follows them.
    """

    async def close(self, cases: Sequence[ReturnCase]) -> Sequence[Refused | None]:
        """
        Say what was done for each return. Saying it again is no error.
        """
        ...
