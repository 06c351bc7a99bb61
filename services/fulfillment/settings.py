"""What the fulfillment service must be told to run."""

from datetime import timedelta
from typing import Annotated

import msgspec

from chassis.settings import ServiceSettings
from services.fulfillment.domain.ranking import RankingWeights


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        offer_seconds: How long a provider has to answer an offer.
        cancellation_seconds: How long it has to say whether work it does can be given up.
        ranking_cost: How much it counts in the ranking of providers what they ask, compared with
            the other two.
        ranking_score: How much it counts how they did.
        ranking_capacity: How much it counts how much of their day is left.
        lost_after_days: When a parcel that has left and not arrived is given up as lost.
        gs1_company_prefix: With what the codes of our parcels begin; the one that GS1 keeps for
            examples unless given.
    """

    offer_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    cancellation_seconds: Annotated[float, msgspec.Meta(gt=0)] = 3_600.0
    ranking_cost: Annotated[float, msgspec.Meta(ge=0)] = 0.4
    ranking_score: Annotated[float, msgspec.Meta(ge=0)] = 0.4
    ranking_capacity: Annotated[float, msgspec.Meta(ge=0)] = 0.2
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
    def lost_after(self) -> timedelta:
        return timedelta(days=self.lost_after_days)
