"""Shipments: the parcels of a fulfillment order."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.fulfillment.domain.tracking import TrackingEvent, Word
from services.fulfillment.domain.values import Goods, ShipmentId, ShipmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """
    A parcel.

    Its state is ours; what the carrier says stands beside it and never changes it by itself.

    Attributes:
        goods: What is in it, each SKU once.
        goods_named: Whether they were named, or it holds all that was left.
        ended_at: When it was given up as lost, or came back.
        last_word: The carrier's last, by its own clock.
        end_word: The first one heard that the parcel has come to an end.
    """

    id: ShipmentId
    state: ShipmentState = ShipmentState.DISPATCHED
    goods: tuple[Goods, ...]
    goods_named: bool = True
    tracking_number: str = ""
    carrier: str = ""
    weight_grams: int = 0
    packed_at: datetime | None = None
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    ended_at: datetime | None = None
    last_word: Word | None = None
    end_word: Word | None = None

    @property
    def has_left(self) -> bool:
        return self.state not in (ShipmentState.PENDING, ShipmentState.PACKED)

    @property
    def is_delivered(self) -> bool:
        return self.state is ShipmentState.DELIVERED

    @property
    def is_gone(self) -> bool:
        """
        Whether it was sent for nothing: the customer never had it.
        """
        return self.state in (ShipmentState.LOST, ShipmentState.RETURNED_TO_SENDER)

    @property
    def has_ended(self) -> bool:
        return self.is_delivered or self.is_gone

    def is_overdue(self, dispatched_by: datetime) -> bool:
        """
        Return whether it is under way since then or longer.
        """
        at = self.dispatched_at
        return self.state is ShipmentState.DISPATCHED and at is not None and at <= dispatched_by

    def holds(self, goods: tuple[Goods, ...]) -> bool:
        """
        Return whether it may be what was told of with *goods*; with none, if it was to hold all
        that was left.
        """
        return goods == self.goods if goods else not self.goods_named

    def is_packed_as(self, goods: tuple[Goods, ...], weight_grams: int, carrier: str) -> bool:
        """
        Return whether it was packed, and so. Who names no carrier leaves it to the label.
        """
        return (
            self.packed_at is not None
            and self.holds(goods)
            and self.weight_grams == weight_grams
            and carrier in ("", self.carrier)
        )

    def is_sent_as(self, goods: tuple[Goods, ...], tracking_number: str) -> bool:
        """
        Return whether it left so, or may. Of a packed one nothing need be said again.
        """
        if self.packed_at is None:
            return self.holds(goods) and tracking_number == self.tracking_number
        return goods in ((), self.goods) and tracking_number in ("", self.tracking_number)

    def heard(self, event: TrackingEvent) -> "Shipment":
        """
        Return it with what the carrier said; itself, if that says nothing new.
        """
        word = Word(at=event.occurred_at, event_id=event.event_id, state=event.state)
        latest = max(self.last_word, word) if self.last_word else word
        end = self.end_word or (word if event.is_end else None)
        if (latest, end) == (self.last_word, self.end_word):
            return self
        return replace(self, last_word=latest, end_word=end)
