"""What can be ordered, on the wire."""

from collections.abc import Mapping, Sequence

from chassis.kernel.text import Sku, parse_sku
from retail.product.v1 import stock_service_pb2 as pb
from services.product.wire.fields import SkusOutOfRange

MOST_SKUS = 1_000


def skus_from_wire(request: pb.BatchGetAvailabilityRequest) -> Sequence[Sku]:
    if not 1 <= len(request.skus) <= MOST_SKUS:
        raise SkusOutOfRange(
            f"ask for 1 to {MOST_SKUS:,} SKUs, not {len(request.skus)}", field="skus"
        )
    return [parse_sku(sku, f"skus[{number}]") for number, sku in enumerate(request.skus)]


def availabilities_to_wire(
    skus: Sequence[Sku], available: Mapping[str, int]
) -> pb.BatchGetAvailabilityResponse:
    return pb.BatchGetAvailabilityResponse(
        availabilities=[pb.Availability(sku=sku, available=available[sku]) for sku in skus]
    )
