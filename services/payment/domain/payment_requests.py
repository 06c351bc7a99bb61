"""
The Payment aggregate: what may be asked of the PSP.

Asking for the same thing again changes nothing. What is pending counts against every limit, so
that no order of answers can take more than was set aside, or pay back more than was taken.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.kernel.errors import Conflict, RuleViolated
from chassis.kernel.money import CurrencyMismatch, Money
from chassis.kernel.psp_token import PspToken
from services.payment.domain.payment_state import PaymentState
from services.payment.domain.values import (
    CaptureId,
    IncrementId,
    MerchantId,
    PspAccount,
    RefundId,
    RequestId,
    TransactionKind,
    TransactionState,
)


class PaymentMismatch(RuleViolated):
    pass


class PaymentVoided(RuleViolated):
    pass


class AuthorizationExpired(RuleViolated):
    pass


class PaymentNotAuthorized(RuleViolated):
    pass


class IncrementMismatch(RuleViolated):
    pass


class IncrementUnderWay(Conflict):
    """
    Another increment of the same payment has no answer yet, and the PSP is told totals.
    """


class CaptureMismatch(RuleViolated):
    pass


class CaptureExceedsAuthorization(RuleViolated):
    pass


class PaymentNotCaptured(RuleViolated):
    pass


class RefundMismatch(RuleViolated):
    pass


class RefundExceedsCapture(RuleViolated):
    pass


class RefundWindowClosed(RuleViolated):
    pass


class PaymentDisputed(RuleViolated):
    pass


@dataclass(kw_only=True, eq=False)
class PaymentRequests(PaymentState):
    def authorize(
        self,
        amount: Money,
        token: PspToken,
        *,
        merchant: MerchantId,
        account: PspAccount,
        now: datetime,
    ) -> None:
        """
        Ask for *amount* to be set aside, unless that was asked for before.

        Args:
            account: Where to ask; only the first time counts.

        Raises:
            PaymentMismatch: Something else was asked for under this id.
            PaymentVoided: A void came first.
        """
        asked = self.authorization
        same = (amount, token, merchant)
        if asked and (asked.amount, self.psp_token, self.merchant) != same:
            raise PaymentMismatch(f"payment {self.id} has another amount, token or merchant")
        if self.closed and not (asked and asked.failure):
            raise PaymentVoided(f"payment {self.id} is voided")
        if asked is None:
            self.currency, self.psp_token = amount.currency, token
            self.merchant, self.psp_account = merchant, account
            self._request(TransactionKind.AUTHORIZATION, amount, now=now)

    def increment(self, increment_id: IncrementId, amount: Money, *, now: datetime) -> None:
        """
        Ask for *amount* more to be set aside, unless that was asked for before.

        Raises:
            IncrementMismatch: Something else was asked for under this increment's id.
            PaymentVoided, AuthorizationExpired, PaymentNotAuthorized: Nothing can be added.
            CurrencyMismatch: The payment is in another currency.
            IncrementUnderWay: Another one has no answer yet.
        """
        request_id = RequestId(str(increment_id))
        asked = self.transaction(TransactionKind.AUTHORIZATION, request_id)
        if asked:
            if asked.amount != amount:
                raise IncrementMismatch(f"increment {increment_id} has another amount")
            return
        self._must_be_authorized(amount)
        if any(other.is_increment for other in self.open_transactions):
            raise IncrementUnderWay(f"another increment of payment {self.id} has no answer yet")
        self._request(TransactionKind.AUTHORIZATION, amount, request_id=request_id, now=now)

    def capture(
        self, capture_id: CaptureId, amount: Money, shipping: Money, *, now: datetime
    ) -> None:
        """
        Ask for *amount* of what is set aside to be taken, unless that was asked for before.

        Raises:
            CaptureMismatch: Something else was asked for under this capture's id.
            PaymentVoided, AuthorizationExpired, PaymentNotAuthorized: Nothing is set aside.
            CurrencyMismatch: The payment is in another currency.
            CaptureExceedsAuthorization: Less than *amount* is left.
        """
        request_id = RequestId(str(capture_id))
        asked = self.transaction(TransactionKind.CAPTURE, request_id)
        if asked:
            if (asked.amount, asked.shipping) != (amount, shipping):
                raise CaptureMismatch(f"capture {capture_id} has another amount")
            return
        self._must_be_authorized(amount)
        if amount.minor_units > self.remaining.minor_units:
            raise CaptureExceedsAuthorization(
                f"{self.remaining} is left of payment {self.id}, not {amount}"
            )
        self._request(
            TransactionKind.CAPTURE, amount, shipping=shipping, request_id=request_id, now=now
        )

    def refund(
        self,
        refund_id: RefundId,
        amount: Money,
        shipping: Money,
        *,
        reason: str,
        window: timedelta,
        now: datetime,
    ) -> None:
        """
        Ask for *amount* of what was taken to be paid back, unless that was asked for before.

        Args:
            window: For how long after the last capture a refund may be asked for.

        Raises:
            RefundMismatch: Something else was asked for under this refund's id.
            PaymentNotCaptured: Nothing was taken.
            CurrencyMismatch: The payment is in another currency.
            RefundWindowClosed: The last capture is longer ago than *window*.
            PaymentDisputed: Enough was taken, but a chargeback has taken it back.
            RefundExceedsCapture: Less than *amount* is left.
        """
        request_id = RequestId(str(refund_id))
        asked = self.transaction(TransactionKind.REFUND, request_id)
        if asked:
            if (asked.amount, asked.shipping) != (amount, shipping):
                raise RefundMismatch(f"refund {refund_id} has another amount")
            return
        captured_at = self.last_captured_at
        if captured_at is None:
            raise PaymentNotCaptured(f"nothing of payment {self.id} was captured")
        self._must_be_in_currency(amount)
        if now > captured_at + window:
            raise RefundWindowClosed(
                f"payment {self.id} was captured more than {window.days} days ago"
            )
        self._must_be_refundable(amount)
        self._request(
            TransactionKind.REFUND,
            amount,
            shipping=shipping,
            request_id=request_id,
            reason=reason,
            now=now,
        )

    def void(self, *, now: datetime) -> None:
        """
        Let nothing more be taken, and ask for what is left to be given back.

        A void may come before the authorization it undoes: the authorization is refused then.
        One that was declined needs no undoing.
        """
        if self.authorization and self.authorization.state is TransactionState.FAILED:
            return
        self.closed = True
        self._give_back(now=now)

    def expire(self, *, now: datetime) -> None:
        """
        Close the payment as one whose authorization the PSP no longer holds, or will not much
        longer, and ask for what may be left to be given back. One that has nothing left, or is
        closed, stays as it is: what is only asked for is not taken yet, and may be refused.
        """
        taken = self.settled(TransactionKind.CAPTURE) + self.settled(TransactionKind.VOID)
        if not self.closed and self.settled(TransactionKind.AUTHORIZATION) != taken:
            self.closed = self.expired = True
            self._give_back(now=now)

    def _must_be_authorized(self, amount: Money) -> None:
        if self.expired:
            raise AuthorizationExpired(f"the authorization of payment {self.id} has expired")
        if self.closed:
            raise PaymentVoided(f"payment {self.id} is voided")
        if not self.total(TransactionKind.AUTHORIZATION).settled:
            raise PaymentNotAuthorized(f"payment {self.id} is not authorized")
        self._must_be_in_currency(amount)

    def _must_be_in_currency(self, amount: Money) -> None:
        if amount.currency != self.currency:
            raise CurrencyMismatch(f"payment {self.id} is in {self.currency}", field="amount")

    def _must_be_refundable(self, amount: Money) -> None:
        if amount.minor_units <= self.refundable.minor_units:
            return
        charged_back = self.total(TransactionKind.CHARGEBACK).settled
        if amount.minor_units <= self.refundable.minor_units + charged_back:
            raise PaymentDisputed(
                f"{Money(charged_back, self.currency)} of payment {self.id} was charged back"
            )
        raise RefundExceedsCapture(
            f"{self.refundable} of payment {self.id} can be refunded, not {amount}"
        )
