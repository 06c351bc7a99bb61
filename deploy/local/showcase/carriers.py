"""
The providers of the showcase.

They deliver to countries where nobody else does, so that other providers on the same cluster (of a
replay, say) get no offers for its orders.
"""

from deploy.local.world.providers import Character
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

EVERYDAY = "NZ"
TWO_PARCELS = "FJ"
CHOOSY_FIRST = "LU"
NOBODY_GOES = "AQ"


def has_no_vans(_work: pb.OfferedWork) -> str:
    return "no vans today"


PROVIDERS = (
    Character(id="demo-kea", name="Kea Couriers", regions=(EVERYDAY,), rank=1),
    Character(id="demo-island", name="Island Freight", regions=(TWO_PARCELS,), rank=1, parcels=2),
    Character(
        id="demo-choosy", name="Choosy", regions=(CHOOSY_FIRST,), rank=1, refuses=has_no_vans
    ),
    Character(id="demo-ardennes", name="Ardennes Post", regions=(CHOOSY_FIRST,), rank=2),
)
