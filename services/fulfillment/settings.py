"""What the fulfillment service must be told to run."""

from datetime import timedelta
from typing import Annotated

import msgspec

from chassis.settings import ServiceSettings
from services.fulfillment.domain.returns.policy import ReturnPolicy

# Beyond a hundred years, dates to reckon with end.
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Units = Annotated[int, msgspec.Meta(ge=0)]


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        offer_seconds: How long a provider has to answer an offer.
        return_window_days: How long after their delivery goods can be returned or claimed.
        claim_lost_after_days: How long after it left a parcel can be claimed as lost.
        auto_approve_units: Returns of up to so many units are approved at once.
        auto_claim_units: Claims of up to so many units are; 0: a person looks at each.
        decide_within_days: A return that nobody has decided by then is approved.
        receive_within_days: What has not come back by then is missing, or all is given up.
    """

    offer_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    return_window_days: Days = 30
    claim_lost_after_days: Days = 14
    auto_approve_units: Units = 1_000_000_000
    auto_claim_units: Units = 0
    decide_within_days: Days = 3
    receive_within_days: Days = 30

    @property
    def answer_within(self) -> timedelta:
        return timedelta(seconds=self.offer_seconds)

    @property
    def return_policy(self) -> ReturnPolicy:
        return ReturnPolicy(
            window=timedelta(days=self.return_window_days),
            lost_after=timedelta(days=self.claim_lost_after_days),
            auto_approve_units=self.auto_approve_units,
            auto_claim_units=self.auto_claim_units,
            decide_within=timedelta(days=self.decide_within_days),
            receive_within=timedelta(days=self.receive_within_days),
        )
