import pytest

from services.payment.adapters.stripe.replies import Reply, Silence, verdict_on
from services.payment.domain.values import Declined


def verdict(status, error=None, *, replayed=False):
    reply = Reply(status=status, body={"error": error} if error else {}, replayed=replayed)
    return verdict_on(reply, lambda _: pytest.fail("nothing was done"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, "insufficient_funds"),
        # The bank does not say why.
        ({"code": "card_declined", "decline_code": "generic_decline"}, "card_declined"),
        ({"code": "expired_card"}, "expired_card"),
        ({"type": "card_error"}, "card_error"),
    ],
)
def test_a_decline_has_stripes_word_for_why(error, reason):
    assert verdict(402, error) == Declined(reason)


@pytest.mark.parametrize("status", [400, 402, 404])
def test_a_request_that_is_refused_has_not_been_done(status):
    assert verdict(status, {"code": "amount_too_large"}) == Declined("amount_too_large")


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(0, id="nothing came back"),
        pytest.param(302, id="a stranger answers"),
        pytest.param(401, id="our key is wrong: that says nothing of the payment"),
        pytest.param(403, id="our key may not"),
        pytest.param(409, id="the first request is under way"),
        pytest.param(429, id="too many requests"),
        pytest.param(500, id="it failed, perhaps after it was done"),
        pytest.param(503, id="it is away"),
    ],
)
def test_what_may_have_been_done_is_unclear(status):
    assert verdict(status, {"code": "lock_timeout"}) is Silence.UNCLEAR


def test_an_error_page_of_something_between_is_not_stripes_word():
    assert verdict(404) is Silence.UNCLEAR


def test_a_failure_from_memory_spends_the_key():
    assert verdict(500, {"type": "api_error"}, replayed=True) is Silence.SPENT


def test_a_key_that_was_used_for_something_else_is_no_decline():
    assert verdict(400, {"type": "idempotency_error"}) is Silence.REUSED
