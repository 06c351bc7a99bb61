"""
Whether a webhook is the PSP's: Stripe's scheme, `Stripe-Signature: t=…,v1=…[,v1=…]`.

Our own rather than the SDK's, which knows one secret, goes by the machine's clock, lets the future
pass, and has the whole body in the errors that it raises.
"""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime

# How far its clock may be from ours, either way. Within that time a request could be sent again:
# the table of what was received says that it was here before.
TOLERANCE_SECONDS = 300


class SignatureRefused(Exception):
    """
    The request is not the PSP's, or somebody sends it again.

    Attributes:
        reason: A stable code, such as SIGNATURE_WRONG.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def check_signature(header: str, body: bytes, *, secrets: Sequence[str], now: datetime) -> None:
    """
    Check that whoever sent *body* knows one of *secrets* and has signed it lately.

    What counts is the body as it came, byte for byte: read and written anew it would have spaces
    and numbers of its own.

    Args:
        secrets: All that are in use: two while one takes over from the other.

    Raises:
        SignatureRefused: There is no such signature, it is wrong, or it is not of now.
    """
    parts = [part.partition("=") for part in header.split(",")]
    signed_at = next((value for name, _, value in parts if name.strip() == "t"), "")
    # A header may hold any byte.
    signatures = [
        value.strip().encode(errors="surrogateescape")
        for name, _, value in parts
        if name.strip() == "v1"
    ]
    if not signatures or not re.fullmatch("[0-9]{1,12}", signed_at):
        raise SignatureRefused("SIGNATURE_MISSING", "a webhook is signed: t=…,v1=…")

    signed = signed_at.encode() + b"." + body
    expected = [hmac.new(key.encode(), signed, "sha256").hexdigest().encode() for key in secrets]
    # Each with each, in constant time: how long it takes says nothing of how much was right.
    matches = [hmac.compare_digest(one, other) for one in expected for other in signatures]
    if not any(matches):
        raise SignatureRefused("SIGNATURE_WRONG", "no signature is right for this body")
    if abs(now.timestamp() - int(signed_at)) > TOLERANCE_SECONDS:
        raise SignatureRefused(
            "SIGNATURE_TOO_OLD", f"signed more than {TOLERANCE_SECONDS} s away from now"
        )
