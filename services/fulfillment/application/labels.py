"""Labels: what a carrier wants to see on a parcel, whoever makes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.fulfillment.domain.values import Address


class LabelsUnavailable(Exception):
    """
    No labels can be had at the moment.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """
    What a label says.

    Attributes:
        parcel_id: The shipment or return that it is for.
        ship_from: The location it leaves; empty: said by nobody.
        units: How many units are in the parcel.
        weight_grams: 0: not weighed.
        carrier: Who is to carry it; empty: whoever makes the label says.
        reference: What people know the parcel by, such as the order's id.
    """

    parcel_id: UUID
    ship_from: str
    ship_to: Address
    units: int
    weight_grams: int
    carrier: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """
    A label, to be printed.

    Attributes:
        media_type: Such as "application/zpl".
    """

    tracking_number: str
    carrier: str
    media_type: str
    content: bytes


class Labels(Protocol):
    """
    Whoever makes labels: a carrier, or we ourselves.
    """

    async def make(self, requests: Sequence[LabelRequest]) -> Sequence[Label]:
        """
        Return a label for each of *requests*, in their order. Asked again, it may be another one,
        with another tracking number: the first that is kept counts.

        Raises:
            LabelsUnavailable: None can be had at the moment.
        """
        ...
