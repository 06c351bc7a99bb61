"""The methods of StockService that concern locations."""

import grpc

from retail.product.v1 import stock_service_pb2 as pb
from services.product.application.locations.create_location import create_location
from services.product.application.locations.update_location import update_location
from services.product.application.ports.transaction import UnitOfWork
from services.product.wire import locations
from services.product.wire.fields import within


class LocationMethods:
    """
    Where goods lie.
    """

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def CreateLocation(
        self, request: pb.CreateLocationRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateLocationResponse:
        command = locations.create_location_from_wire(request)
        location = await create_location(command, uow=self._uow)
        return pb.CreateLocationResponse(location=locations.location_to_wire(location))

    async def UpdateLocation(
        self, request: pb.UpdateLocationRequest, context: grpc.aio.ServicerContext
    ) -> pb.UpdateLocationResponse:
        command = locations.update_location_from_wire(request)
        # What the name and the priority may be shows when they meet the rest of the location.
        with within("location"):
            location = await update_location(command, uow=self._uow)
        return pb.UpdateLocationResponse(location=locations.location_to_wire(location))

    async def ListLocations(
        self, request: pb.ListLocationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListLocationsResponse:
        async with self._uow() as tx:
            found = await tx.locations.all()
        return pb.ListLocationsResponse(
            locations=[locations.location_to_wire(location) for location in found]
        )
