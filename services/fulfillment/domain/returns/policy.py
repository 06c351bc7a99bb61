"""What the shop takes back without asking anybody, and how long it waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.fulfillment.domain.returns.values import ReturnKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPolicy:
    """
    Attributes:
        window: How long after its delivery a unit can be returned or claimed.
        lost_after: How long after it left a parcel can be claimed as lost that no promise was
            made of.
        auto_approve_units: Up to so many units a return is approved at once.
        auto_claim_units: Up to so many units a claim is.
        decide_within: What nobody has decided by then is approved.
        receive_within: What has not come by then will not come.
    """

    window: timedelta = timedelta(days=30)
    lost_after: timedelta = timedelta(days=14)
    auto_approve_units: int = 1_000_000_000
    auto_claim_units: int = 0
    decide_within: timedelta = timedelta(days=3)
    receive_within: timedelta = timedelta(days=30)

    def takes_back(self, delivered_at: datetime, now: datetime) -> bool:
        return now <= delivered_at + self.window

    def gives_up(self, dispatched_at: datetime, now: datetime) -> bool:
        return dispatched_at + self.lost_after <= now

    def approves_at_once(self, kind: ReturnKind, units: int) -> bool:
        """
        Whether nobody needs to look at it.
        """
        claim = kind is ReturnKind.CLAIM
        return units <= (self.auto_claim_units if claim else self.auto_approve_units)


DEFAULT_POLICY = ReturnPolicy()
