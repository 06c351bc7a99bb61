"""What can be ordered, on the wire."""

from collections.abc import Mapping, Sequence

from chassis.kernel.text import Sku
from retail.product.v1 import stock_service_pb2 as pb
from services.product.wire import fields

MOST_SKUS = 1_000


def skus_from_wire(request: pb.BatchGetAvailabilityRequest) -> Sequence[Sku]:
    return fields.skus_from_wire(request.skus, most=MOST_SKUS)


def availabilities_to_wire(
    skus: Sequence[Sku], available: Mapping[str, int]
) -> pb.BatchGetAvailabilityResponse:
    return pb.BatchGetAvailabilityResponse(
        availabilities=[pb.Availability(sku=sku, available=available[sku]) for sku in skus]
    )
