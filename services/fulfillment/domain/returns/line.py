"""Lines of a return: some units of one SKU, out of which parcels, and what was counted of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.domain.returns.events import ReturnedGoods
from services.fulfillment.domain.returns.values import Disposition, ReturnKind, ReturnReason
from services.fulfillment.domain.values import Goods, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLine:
    """
    What somebody wants to return, or to be made good.

    Attributes:
        comment: The customer's words.
    """

    sku: Sku
    quantity: Quantity
    reason: ReturnReason
    comment: str = ""


@dataclass(frozen=True, slots=True)
class FromParcel:
    """
    So many units were sent in this parcel. Every unit of a return is of one parcel, so that none
    is returned twice, whatever becomes of its parcel.
    """

    shipment_id: ShipmentId
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """
    Some units of one SKU that came back, or did not.
    """

    sku: Sku
    quantity: Quantity
    disposition: Disposition


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLine:
    """
    Attributes:
        parcels: Where its units were sent in; together they are its quantity.
        sellable: Units that were counted as such; `damaged`, `missing` and `refused` likewise.
    """

    wanted: WantedLine
    parcels: tuple[FromParcel, ...]
    sellable: int = 0
    damaged: int = 0
    missing: int = 0
    refused: int = 0

    @property
    def sku(self) -> Sku:
        return self.wanted.sku

    @property
    def units(self) -> int:
        return self.wanted.quantity.units

    @property
    def goods(self) -> Goods:
        return Goods(self.sku, self.wanted.quantity)

    @property
    def counted(self) -> int:
        return self.sellable + self.damaged + self.missing + self.refused

    def with_counts(self, counts: Iterable[Count]) -> "ReturnLine":
        """
        Return the line with what *counts* say of its SKU.
        """
        line = self
        for count in counts:
            if count.sku == self.sku:
                line = line._plus(count.disposition, count.quantity.units)
        return line

    def with_rest_missing(self) -> "ReturnLine":
        return replace(self, missing=self.missing + self.units - self.counted)

    def outcome(self, kind: ReturnKind) -> ReturnedGoods:
        """
        Return what comes of it. Of what customers send, they get back what came and was not
        refused; what did not reach them, or not whole, is made good whatever was counted.
        """
        sent_by_customer = kind is ReturnKind.RETURN
        return ReturnedGoods(
            sku=self.sku,
            sellable=self.sellable,
            damaged=self.damaged,
            accepted=self.sellable + self.damaged if sent_by_customer else self.units,
            reason=self.wanted.reason,
        )

    def harmed_in(self, kind: ReturnKind) -> tuple[FromParcel, ...]:
        """
        Return how many units were damaged, by the parcels they were sent in: those claimed as
        such, or counted as such. Which of a SKU these were nobody knows: the first.
        """
        claimed = kind is ReturnKind.CLAIM and self.wanted.reason is ReturnReason.DAMAGED
        left, parts = self.units if claimed else self.damaged, []
        for part in self.parcels:
            if units := min(left, part.units):
                parts.append(FromParcel(part.shipment_id, units))
                left -= units
        return tuple(parts)

    def _plus(self, disposition: Disposition, units: int) -> "ReturnLine":
        match disposition:
            case Disposition.SELLABLE:
                return replace(self, sellable=self.sellable + units)
            case Disposition.DAMAGED:
                return replace(self, damaged=self.damaged + units)
            case Disposition.MISSING:
                return replace(self, missing=self.missing + units)
            case Disposition.REFUSED:
                return replace(self, refused=self.refused + units)
