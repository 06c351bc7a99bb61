"""What the fulfillment service must be told to run."""

from datetime import timedelta
from typing import Annotated

import msgspec

from chassis.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        offer_seconds: How long a provider has to answer an offer.
        lost_after_days: When a parcel that has left and not arrived is given up as lost.
        gs1_company_prefix: With what the codes of our parcels begin; the one that GS1 keeps for
            examples unless given.
    """

    offer_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0

    lost_after_days: Annotated[float, msgspec.Meta(gt=0, le=3650)] = 30.0
    gs1_company_prefix: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{7,10}$")] = "9521234"

    @property
    def answer_within(self) -> timedelta:
        return timedelta(seconds=self.offer_seconds)

    @property
    def lost_after(self) -> timedelta:
        return timedelta(days=self.lost_after_days)
