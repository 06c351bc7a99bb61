"""The stock, as the product service keeps it."""

from collections.abc import Sequence

import grpc

from chassis.kernel.text import Sku
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1.product_service_pb2_grpc import ProductServiceStub
from services.order.adapters.pieces import in_pieces
from services.order.adapters.refusals import refused_from_wire
from services.order.application.participants import Refused
from services.order.domain.order import Order
from services.order.domain.shipment import Shipment
from services.order.domain.values import Allocation, LocationId


class GrpcInventory:
    def __init__(self, product: grpc.aio.Channel) -> None:
        self._product = ProductServiceStub(product)

    async def reserve(self, orders: Sequence[Order]) -> Sequence[tuple[Allocation, ...] | Refused]:
        request = pb.ReserveStockRequest(reservations=[_reservation(order) for order in orders])
        answer = await self._product.ReserveStock(request)
        return [
            refused_from_wire(result.error)
            if result.HasField("error")
            else tuple(_allocation(wire) for wire in result.reservation.allocations)
            for result in answer.results
        ]

    async def confirm(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        request = pb.ConfirmReservationsRequest(reservation_ids=[str(o.id) for o in orders])
        return _refusals((await self._product.ConfirmReservations(request)).results)

    async def release(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        request = pb.ReleaseReservationsRequest(reservation_ids=[str(o.id) for o in orders])
        return _refusals((await self._product.ReleaseReservations(request)).results)

    async def reduce(
        self, kept: Sequence[tuple[Order, Sequence[Allocation]]]
    ) -> Sequence[Refused | None]:
        request = pb.ReduceReservationsRequest(
            reductions=[
                pb.Reduction(
                    reservation_id=str(order.id),
                    kept=[
                        pb.KeptGoods(sku=a.sku, location_id=a.location_id, quantity=a.units)
                        for a in allocations
                    ],
                )
                for order, allocations in kept
            ]
        )
        return _refusals((await self._product.ReduceReservations(request)).results)

    async def consume(
        self, shipments: Sequence[tuple[Order, Shipment]]
    ) -> Sequence[Refused | None]:
        return await in_pieces(shipments, self._consume)

    async def _consume(
        self, shipments: Sequence[tuple[Order, Shipment]]
    ) -> Sequence[Refused | None]:
        request = pb.ConsumeReservationsRequest(
            consumptions=[
                pb.Consumption(
                    reservation_id=str(order.id),
                    shipment_id=str(shipment.id),
                    location_id=shipment.location_id,
                    lines=[
                        pb.ReservationLine(sku=item.sku, quantity=item.units)
                        for item in shipment.goods
                    ],
                )
                for order, shipment in shipments
            ]
        )
        return _refusals((await self._product.ConsumeReservations(request)).results)


def _reservation(order: Order) -> pb.ReservationRequest:
    return pb.ReservationRequest(
        reservation_id=str(order.id),
        lines=[
            pb.ReservationLine(sku=sku, quantity=units)
            for sku, units in order.units_ordered.items()
        ],
    )


def _allocation(wire: pb.Allocation) -> Allocation:
    return Allocation(
        sku=Sku(wire.sku), location_id=LocationId(wire.location_id), units=wire.quantity
    )


def _refusals(results: Sequence[pb.ReservationResult]) -> Sequence[Refused | None]:
    return [refused_from_wire(r.error) if r.HasField("error") else None for r in results]
