"""What the fulfillment service must be told to run."""

from datetime import timedelta
from typing import Annotated

import msgspec

from chassis.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        offer_seconds: How long a provider has to answer an offer.
    """

    offer_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0

    @property
    def answer_within(self) -> timedelta:
        return timedelta(seconds=self.offer_seconds)
