"""What Stripe answers makes no sense: nothing is known then, and nothing of it is in the log."""

from datetime import UTC, datetime

from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.adapters.stripe.evidence import StripeDisputes
from services.payment.adapters.stripe.psp import StripePsp
from services.payment.application.ports import AuthorizationRequest
from services.payment.domain.chargeback import Evidence
from services.payment.domain.values import MAIN_MERCHANT, ChargebackId, NoAnswer, PspAccount
from tests.unit.payment.stripe.objects import AUTHORIZATION, PAYMENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MAIN = PspAccount("main")
SAID = "4242 said the payer"


class Babbling:
    """
    An account whose every answer is nonsense.
    """

    multicapture = True

    async def authorize(self, _params, **_):
        return int(SAID)

    async def dispute(self, _dispute):
        return int(SAID)


async def test_an_answer_to_an_authorization_that_cannot_be_read(caplog):
    psp = StripePsp({MAIN: Babbling()}, seconds=1, clock=lambda: NOW)
    request = AuthorizationRequest(
        key=AUTHORIZATION,
        account=MAIN,
        payment_id=PAYMENT,
        merchant=MAIN_MERCHANT,
        amount=Money(1_00, "EUR"),
        token=PspToken("tok_visa"),
        requested_at=NOW,
        asked_before=False,
    )

    assert await psp.authorize([request]) == {AUTHORIZATION: NoAnswer()}
    assert "ValueError" in caplog.text
    assert SAID not in caplog.text


async def test_an_answer_to_evidence_that_cannot_be_read(caplog):
    disputes = StripeDisputes({MAIN: Babbling()}, seconds=1)

    answer = await disputes.submit_evidence(
        MAIN, ChargebackId("dp_1"), Evidence(text="It was delivered."), key="key"
    )

    assert answer == NoAnswer()
    assert "ValueError" in caplog.text
    assert SAID not in caplog.text
