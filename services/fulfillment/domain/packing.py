"""Work that is packed: parcels that are put together, labelled and perhaps taken apart again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from chassis.kernel.errors import RuleViolated
from chassis.kernel.quantity import Quantity
from services.fulfillment.domain import refusals
from services.fulfillment.domain.cancellation import CancellableWork
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import (
    Goods,
    ProviderId,
    RequestStatus,
    ShipmentId,
    ShipmentState,
    merged,
)


@dataclass(kw_only=True, eq=False)
class PackedWork(CancellableWork):
    """
    Work and the parcels that are made of it. What is in one parcel is left for no other.

    Packing concerns nobody else: it records no events.

    Attributes:
        shipments: The parcels, oldest first.
    """

    shipments: tuple[Shipment, ...] = ()

    @property
    def packed(self) -> tuple[Goods, ...]:
        return merged(some for shipment in self.shipments for some in shipment.goods)

    @property
    def dispatched(self) -> tuple[Goods, ...]:
        return merged(some for s in self.shipments if s.has_left for some in s.goods)

    @property
    def delivered(self) -> tuple[Goods, ...]:
        return merged(some for s in self.shipments if s.is_delivered for some in s.goods)

    @property
    def ended(self) -> tuple[Goods, ...]:
        return merged(some for s in self.shipments if s.has_ended for some in s.goods)

    def shipment(self, shipment_id: ShipmentId) -> Shipment | None:
        return next((s for s in self.shipments if s.id == shipment_id), None)

    def pack(
        self,
        shipment_id: ShipmentId,
        provider_id: ProviderId,
        *,
        goods: Iterable[Goods],
        weight_grams: int,
        carrier: str,
        now: datetime,
    ) -> bool:
        """
        Set *goods* aside for a parcel; all that is in none yet, if none are named. Return whether
        that is new, and a label is to be made.

        Raises:
            FulfillmentOrderNotAccepted: No provider does this work.
            NotTheProvider: Another one does.
            ShipmentMismatch: There is this parcel already, with something else in it.
            CancellationRequested: The provider is asked to give the work up.
            CancellationUnderWay: It has agreed to.
            PackedTooMuch: That is more than is left to pack.
        """
        self._must_be_done_by(provider_id)
        goods = merged(goods)
        if known := self.shipment(shipment_id):
            if not known.is_packed_as(goods, weight_grams, carrier):
                raise refusals.ShipmentMismatch(
                    f"there is a shipment {shipment_id} with something else in it"
                )
            return False  # told again: the first answer may have been lost
        if self.request_status is RequestStatus.CANCELLATION_REQUESTED:
            raise refusals.CancellationRequested(f"the work {self.id} is to be given up")
        self._must_not_have_agreed()
        shipment = Shipment(
            id=shipment_id,
            state=ShipmentState.PENDING,
            goods=self._taken_from_left(goods, refusals.PackedTooMuch),
            goods_named=bool(goods),
            weight_grams=weight_grams,
            carrier=carrier,
            packed_at=now,
        )
        self.shipments = (*self.shipments, shipment)
        return True

    def label(self, shipment_id: ShipmentId, *, tracking_number: str, carrier: str) -> None:
        """
        Note that the label of a parcel is made: it can leave. Who packed it may have said who
        carries it; else the label does.
        """
        shipment = self.shipment(shipment_id)
        if shipment and shipment.state is ShipmentState.PENDING:
            self._put(
                replace(
                    shipment,
                    state=ShipmentState.PACKED,
                    tracking_number=tracking_number,
                    carrier=shipment.carrier or carrier,
                )
            )

    def unpack(self, shipment_id: ShipmentId, provider_id: ProviderId) -> None:
        """
        Take a parcel apart: what was in it is left to be packed again.

        Raises:
            FulfillmentOrderNotAccepted: No provider does this work.
            NotTheProvider: Another one does.
            ShipmentNotFound: There is no such parcel, or no more.
            AlreadyDispatched: It has left.
        """
        self._must_be_done_by(provider_id)
        shipment = self._known(shipment_id)
        if shipment.has_left:
            raise refusals.AlreadyDispatched(f"shipment {shipment_id} has left")
        self.shipments = tuple(s for s in self.shipments if s is not shipment)

    def _known(self, shipment_id: ShipmentId) -> Shipment:
        shipment = self.shipment(shipment_id)
        if shipment is None:
            raise refusals.ShipmentNotFound(f"there is no shipment {shipment_id}")
        return shipment

    def _put(self, new: Shipment) -> None:
        self.shipments = tuple(new if s.id == new.id else s for s in self.shipments)

    def _unpack_all(self) -> None:
        self.shipments = tuple(s for s in self.shipments if s.has_left)

    def _taken_from_left(
        self, goods: tuple[Goods, ...], too_much: type[RuleViolated]
    ) -> tuple[Goods, ...]:
        """
        Return *goods*, or all that is in no parcel yet.
        """
        taken = {some.sku: some.quantity.units for some in self.packed}
        left = {some.sku: some.quantity.units - taken.get(some.sku, 0) for some in self.goods}
        for some in goods:
            if some.quantity.units > left.get(some.sku, 0):
                raise too_much(
                    f"{some.quantity.units} of {some.sku} are more than the"
                    f" {left.get(some.sku, 0)} that are in no parcel yet"
                )
        rest = tuple(Goods(sku, Quantity(units)) for sku, units in left.items() if units)
        if not rest:
            raise too_much("everything is in a parcel already")
        return goods or rest

    def _must_be_done_by(self, provider_id: ProviderId) -> None:
        offer = self.live_offer
        if offer is None or offer.is_open:
            raise refusals.FulfillmentOrderNotAccepted(f"no provider does the work {self.id}")
        if offer.provider_id != provider_id:
            raise refusals.NotTheProvider(f"another provider than {provider_id} does {self.id}")
