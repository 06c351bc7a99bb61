"""The methods of ProductService that concern promises to orders."""

from functools import partial

import grpc

from chassis.kernel.clock import Clock
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.reservations.confirm_reservations import confirm_reservations
from services.product.application.reservations.consume_reservations import consume_reservations
from services.product.application.reservations.release_reservations import release_reservations
from services.product.application.reservations.reserve_stock import reserve_stock
from services.product.entrypoints.batches import answer_each
from services.product.wire import reservations


class ReservationMethods:
    """
    What is promised to orders.
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def ReserveStock(
        self, request: pb.ReserveStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReserveStockResponse:
        reserve = partial(reserve_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.reservations, "reservations", reservations.reservation_from_wire, reserve
        )
        return pb.ReserveStockResponse(
            results=[reservations.reservation_result_to_wire(answer) for answer in answers]
        )

    async def ConfirmReservations(
        self, request: pb.ConfirmReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ConfirmReservationsResponse:
        confirm = partial(confirm_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.reservation_ids, "reservation_ids", reservations.confirmation_from_wire, confirm
        )
        return pb.ConfirmReservationsResponse(
            results=[reservations.reservation_result_to_wire(answer) for answer in answers]
        )

    async def ReleaseReservations(
        self, request: pb.ReleaseReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReleaseReservationsResponse:
        release = partial(release_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.reservation_ids, "reservation_ids", reservations.release_from_wire, release
        )
        return pb.ReleaseReservationsResponse(
            results=[reservations.reservation_result_to_wire(answer) for answer in answers]
        )

    async def ConsumeReservations(
        self, request: pb.ConsumeReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ConsumeReservationsResponse:
        consume = partial(consume_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.consumptions, "consumptions", reservations.consumption_from_wire, consume
        )
        return pb.ConsumeReservationsResponse(
            results=[reservations.reservation_result_to_wire(answer) for answer in answers]
        )
