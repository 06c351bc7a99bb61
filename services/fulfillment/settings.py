"""What the fulfillment service must be told to run."""

from datetime import timedelta
from typing import Annotated

import msgspec

from chassis.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        offer_seconds: How long a provider has to answer an offer.
        cancellation_seconds: How long it has to say whether work it does can be given up.
    """

    offer_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    cancellation_seconds: Annotated[float, msgspec.Meta(gt=0)] = 3_600.0

    @property
    def answer_within(self) -> timedelta:
        return timedelta(seconds=self.offer_seconds)

    @property
    def answer_cancellation_within(self) -> timedelta:
        return timedelta(seconds=self.cancellation_seconds)
