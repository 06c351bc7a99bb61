"""The methods of StockService that concern what can be ordered."""

from collections.abc import Mapping, Sequence

import grpc

from chassis.cache.recent import Recent
from chassis.kernel.text import Sku
from retail.product.v1 import stock_service_pb2 as pb
from services.product.application.ports.transaction import UnitOfWork
from services.product.wire import availability

# How old an answer may be.
SECONDS = 1.0


class AvailabilityMethods:
    """
    What can be ordered, to show to shoppers.
    """

    def __init__(self, *, uow: UnitOfWork) -> None:
        async def load(skus: Sequence[str]) -> Mapping[str, int]:
            async with uow() as tx:
                available = await tx.stock_items.available([Sku(sku) for sku in skus])
            return {str(sku): units for sku, units in available.items()}

        self._available = Recent[int](load, absent=0, seconds=SECONDS)

    async def BatchGetAvailability(
        self, request: pb.BatchGetAvailabilityRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchGetAvailabilityResponse:
        skus = availability.skus_from_wire(request)
        return availability.availabilities_to_wire(skus, await self._available.get_many(skus))
