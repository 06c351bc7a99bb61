"""What becomes of an order's money beyond what the order asked for itself."""

from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.money import Money
from services.order.domain.axes import moved
from services.order.domain.order_parcels import OrderParcels
from services.order.domain.values import PaymentStatus


@dataclass(kw_only=True, eq=False)
class OrderMoney(OrderParcels):
    """
    An order as its payment sees it: money is paid back, or lost.

    Each method takes the version of the event that tells it, and returns whether that is news:
    what was noted before, or before something later, changes nothing.
    """

    def note_refunds(self, total: int, what: str, *, version: int, now: datetime) -> bool:
        """
        Note what was paid back in all, in minor units, and that *what* happened to it.
        """
        if not self._is_news(version):
            return False
        if total != self.refunded:
            self.refunded = total
            # What is captured and not noted yet, `capture` sees to.
            self._follow_money()
        self.note(now, f"{what}; refunded so far: {Money(total, self.currency)}", "payment")
        return True

    def note_chargeback(self, what: str, *, version: int, now: datetime) -> bool:
        """
        Note what the payer's bank did. Whether the money stays away is decided elsewhere.
        """
        if not self._is_news(version):
            return False
        self.note(now, what, "payer's bank")
        return True

    def lose_authorization(self, *, version: int, now: datetime) -> bool:
        """
        Note that what was set aside and not taken went back, and nobody asked for it.
        """
        if self.has_ended or not self._is_news(version):
            return False
        if self.payment_status is PaymentStatus.AUTHORIZED:
            self.payment_status = moved(self.payment_status, PaymentStatus.VOIDED)
        self.note(now, "authorization expired", "payment")
        return True

    def _is_news(self, version: int) -> bool:
        if version <= self.payment_heard:
            return False
        self.payment_heard = version
        return True
