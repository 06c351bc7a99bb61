"""Offers: one provider is asked to do the work, and has some time to answer."""

from dataclasses import dataclass
from datetime import date, datetime

from services.fulfillment.domain import refusals
from services.fulfillment.domain.ranking import RankedProvider
from services.fulfillment.domain.values import OfferId, OfferState, ProviderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    Attributes:
        reason: Why it was rejected, in the provider's words.
        change_number: The last change of the order that the open offer follows; 0: none.
        day: Which of the provider's days the work fills, or would; `None`: not known.
        ranking: Why this provider was asked, the first of the ranking; empty once read again.
    """

    id: OfferId
    provider_id: ProviderId
    state: OfferState = OfferState.SUBMITTED
    expires_at: datetime
    reason: str = ""
    change_number: int = 0
    day: date | None = None
    ranking: tuple[RankedProvider, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state is OfferState.SUBMITTED

    @property
    def is_live(self) -> bool:
        """
        Whether the provider is bound by it, or may still be.
        """
        return self.state in (OfferState.SUBMITTED, OfferState.ACCEPTED)

    def is_overdue(self, now: datetime) -> bool:
        return self.is_open and self.expires_at <= now

    def must_be_acceptable(self) -> None:
        """
        Raises:
            OfferRejected, OfferExpired, OfferWithdrawn: It is over.
        """
        match self.state:
            case OfferState.REJECTED:
                raise refusals.OfferRejected(f"offer {self.id} was rejected")
            case OfferState.EXPIRED:
                raise refusals.OfferExpired(f"offer {self.id} expired at {self.expires_at}")
            case OfferState.WITHDRAWN:
                raise refusals.OfferWithdrawn(f"offer {self.id} was withdrawn")
