"""Providers on the wire."""

import re

from chassis.kernel.errors import InvalidInput
from chassis.kernel.text import check_text
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.domain.provider import Provider
from services.fulfillment.wire.fields import provider_id_from_wire

_COUNTRY = re.compile(r"[A-Z]{2}")


class RegionMalformed(InvalidInput):
    pass


def provider_from_wire(wire: pb.Provider) -> Provider:
    for number, region in enumerate(wire.regions):
        if not _COUNTRY.fullmatch(region):
            field = f"provider.regions[{number}]"
            raise RegionMalformed(f"{field} must be two capital letters (ISO 3166-1)", field=field)
    return Provider(
        id=provider_id_from_wire(wire.provider_id, "provider.provider_id"),
        name=check_text(wire.name, "provider.name", least=1, most=200),
        regions=frozenset(wire.regions),
        rank=wire.rank,
        suspended=wire.suspended,
    )


def provider_to_wire(provider: Provider) -> pb.Provider:
    return pb.Provider(
        provider_id=provider.id,
        name=provider.name,
        regions=sorted(provider.regions),
        rank=provider.rank,
        suspended=provider.suspended,
    )
