"""What the fulfillment service must be told to run."""

from datetime import timedelta
from typing import Annotated

import msgspec

from chassis.settings import ServiceSettings
from services.fulfillment.domain.ranking import RankingWeights
from services.fulfillment.domain.returns.policy import ReturnPolicy

# Beyond a hundred years, dates to reckon with end.
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Units = Annotated[int, msgspec.Meta(ge=0)]


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        offer_seconds: How long a provider has to answer an offer.
        cancellation_seconds: How long it has to say whether work it does can be given up.
        ranking_cost: How much it counts in the ranking of providers what they ask, compared with
            the other two.
        ranking_score: How much it counts how they did.
        ranking_capacity: How much it counts how much of their day is left.
        return_window_days: How long after their delivery goods can be returned or claimed.
        claim_lost_after_days: How long after it left a parcel can be claimed as lost of which
            no promise is known; any other one once its promise is broken.
        auto_approve_units: Returns of up to so many units are approved at once.
        auto_claim_units: Claims of up to so many units are; 0: a person looks at each.
        decide_within_days: A return that nobody has decided by then is approved.
        receive_within_days: What has not come back by then is missing, or all is given up.
        lost_after_days: When a parcel that has left and not arrived is given up as lost.
        gs1_company_prefix: With what the codes of our parcels begin; the one that GS1 keeps for
            examples unless given.
    """

    offer_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    cancellation_seconds: Annotated[float, msgspec.Meta(gt=0)] = 3_600.0
    ranking_cost: Annotated[float, msgspec.Meta(ge=0)] = 0.4
    ranking_score: Annotated[float, msgspec.Meta(ge=0)] = 0.4
    ranking_capacity: Annotated[float, msgspec.Meta(ge=0)] = 0.2
    return_window_days: Days = 30
    claim_lost_after_days: Days = 14
    auto_approve_units: Units = 1_000_000_000
    auto_claim_units: Units = 0
    decide_within_days: Days = 3
    receive_within_days: Days = 30
    lost_after_days: Annotated[float, msgspec.Meta(gt=0, le=3650)] = 30.0
    gs1_company_prefix: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{7,10}$")] = "9521234"

    def __post_init__(self) -> None:
        if not self.ranking_cost + self.ranking_score + self.ranking_capacity:
            raise ValueError("one of `ranking_…` must be above 0")

    @property
    def answer_within(self) -> timedelta:
        return timedelta(seconds=self.offer_seconds)

    @property
    def answer_cancellation_within(self) -> timedelta:
        return timedelta(seconds=self.cancellation_seconds)

    @property
    def ranking_weights(self) -> RankingWeights:
        return RankingWeights(
            cost=self.ranking_cost, score=self.ranking_score, capacity=self.ranking_capacity
        )

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

    @property
    def lost_after(self) -> timedelta:
        return timedelta(days=self.lost_after_days)
