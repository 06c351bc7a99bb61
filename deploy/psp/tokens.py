"""How a card behaves: its token says so, as test cards of Stripe do."""

from dataclasses import dataclass

from deploy.psp.refusals import Refusal

# A payment method named after a card is that card: `pm_card_visa` is `tok_visa`.
CARD = "pm_card_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """
    Attributes:
        decline_code: Why the bank declines; empty if it approves.
        away: For how many asks of a key the PSP answers that it is down, and does nothing.
        cut: Whether the connection breaks before the answer that follows the deed.
        authenticate: Whether the cardholder has to prove who they are, which nobody does here.
        dispute: Whether the cardholder disputes it once it is captured.
    """

    decline_code: str = ""
    away: int = 0
    cut: bool = False
    authenticate: bool = False
    dispute: bool = False


BEHAVIOURS = {
    "tok_visa": Behaviour(),
    "tok_mastercard": Behaviour(),
    "tok_amex": Behaviour(),
    "tok_chargeDeclined": Behaviour(decline_code="generic_decline"),
    "tok_insufficientFunds": Behaviour(decline_code="insufficient_funds"),
    "tok_timeoutAfterSuccess": Behaviour(cut=True),
    "tok_down": Behaviour(away=2),
    "tok_authenticationRequired": Behaviour(authenticate=True),
    "tok_createDispute": Behaviour(dispute=True),
}


def behaviour_of(token: str) -> Behaviour:
    """
    Raises:
        Refusal: There is no such token.
    """
    known = BEHAVIOURS.get(token)
    if known is None:
        raise Refusal(
            f"No such token: '{token}'",
            code="invalid_token",
            param="payment_method_data[card][token]",
        )
    return known
