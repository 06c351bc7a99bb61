"""Labels: what a carrier wants to see on a parcel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.fulfillment.domain.values import Address, LocationId


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """
    Attributes:
        id: Of what is to be labelled: asked again, the same label is made.
        location_id: Where it leaves, or, of a return, where it is to come.
        address: Where it goes, or, of a return, where it leaves.
    """

    id: UUID
    location_id: LocationId
    address: Address
    is_return: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """
    Attributes:
        media_type: Such as "application/zpl".
    """

    tracking_number: str
    media_type: str
    content: bytes


class Labels(Protocol):
    """
    Whoever makes labels: never called in a transaction.
    """

    async def make(self, requests: Sequence[LabelRequest]) -> Sequence[Label]:
        """
        Return a label for each of *requests*, in their order.
        """
        ...
