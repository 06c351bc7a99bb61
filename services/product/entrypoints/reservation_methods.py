"""The methods of ProductService that concern promises to orders."""

from collections.abc import Sequence
from functools import partial

import grpc

from chassis.gather import Gathered, together
from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.reservations.confirm_reservations import confirm_reservations
from services.product.application.reservations.consume_reservations import consume_reservations
from services.product.application.reservations.extend_reservations import extend_reservations
from services.product.application.reservations.reduce_reservations import reduce_reservations
from services.product.application.reservations.release_reservations import release_reservations
from services.product.application.reservations.reserve_stock import ReserveStock, reserve_stock
from services.product.domain.reservation import Reservation
from services.product.entrypoints.batches import answer_each
from services.product.wire import reservations

# Reservations in one commit. More gain little, and others wait for the event loop meanwhile.
MOST_TOGETHER = 250

# While the database writes one batch, the next one is thought through.
LANES = 2

# A batch costs far more than a round of the event loop, in which more calls may come in.
YIELDS = 5


class ReservationMethods:
    """
    What is promised to orders.
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock
        # Calls that come while others commit share the next commit: the more want the same goods
        # at once, the more go into one.
        self._reserve: Gathered[Sequence[ReserveStock], Sequence[Reservation | DomainError]]
        self._reserve = Gathered(
            together(partial(reserve_stock, uow=uow, clock=clock)),
            most=MOST_TOGETHER,
            lanes=LANES,
            size=len,
            yields=YIELDS,
        )

    async def ReserveStock(
        self, request: pb.ReserveStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReserveStockResponse:
        answers = await answer_each(
            request.reservations, "reservations", reservations.reservation_from_wire, self._reserve
        )
        response = pb.ReserveStockResponse()
        reservations.write_results(answers, response.results)
        return response

    async def ConfirmReservations(
        self, request: pb.ConfirmReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ConfirmReservationsResponse:
        confirm = partial(confirm_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.reservation_ids, "reservation_ids", reservations.confirmation_from_wire, confirm
        )
        response = pb.ConfirmReservationsResponse()
        reservations.write_results(answers, response.results)
        return response

    async def ExtendReservations(
        self, request: pb.ExtendReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ExtendReservationsResponse:
        extend = partial(extend_reservations, uow=self._uow, clock=self._clock)
        from_wire = partial(reservations.extension_from_wire, now=self._clock())
        answers = await answer_each(request.extensions, "extensions", from_wire, extend)
        response = pb.ExtendReservationsResponse()
        reservations.write_results(answers, response.results)
        return response

    async def ReleaseReservations(
        self, request: pb.ReleaseReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReleaseReservationsResponse:
        release = partial(release_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.reservation_ids, "reservation_ids", reservations.release_from_wire, release
        )
        response = pb.ReleaseReservationsResponse()
        reservations.write_results(answers, response.results)
        return response

    async def ReduceReservations(
        self, request: pb.ReduceReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReduceReservationsResponse:
        reduce = partial(reduce_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.reductions, "reductions", reservations.reduction_from_wire, reduce
        )
        response = pb.ReduceReservationsResponse()
        reservations.write_results(answers, response.results)
        return response

    async def ConsumeReservations(
        self, request: pb.ConsumeReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ConsumeReservationsResponse:
        consume = partial(consume_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.consumptions, "consumptions", reservations.consumption_from_wire, consume
        )
        response = pb.ConsumeReservationsResponse()
        reservations.write_results(answers, response.results)
        return response
