"""Pages of answers on the wire."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from google.protobuf.message import Message

from chassis.kernel.errors import InvalidInput

DEFAULT_PAGE = 100
LARGEST_PAGE = 1_000

_DIGEST_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class PageSizeOutOfRange(InvalidInput):
    pass


class PageTokenInvalid(InvalidInput):
    pass


def page_size_from_wire(size: int) -> int:
    """
    Raises:
        PageSizeOutOfRange: It is negative, or above 1,000.
    """
    if not 0 <= size <= LARGEST_PAGE:
        raise PageSizeOutOfRange(f"a page has 1 to {LARGEST_PAGE:,} entries", field="page_size")
    return size or DEFAULT_PAGE


def page_token_to_wire(place: str, request: Message) -> str:
    """
    Return the token of the page after *place*, which fits only what asks the same as *request*.
    """
    return urlsafe_b64encode(_digest(request) + place.encode()).decode().rstrip("=")


def place_from_wire(token: str, request: Message) -> str:
    """
    Return the place that *token* was made of.

    Raises:
        PageTokenInvalid: It is no token, or belongs to other pages.
    """
    try:
        said = urlsafe_b64decode(f"{token}==")
        if said[:_DIGEST_BYTES] == _digest(request):
            return said[_DIGEST_BYTES:].decode()
    except ValueError:
        pass
    raise page_token_invalid()


def page_token_invalid() -> PageTokenInvalid:
    return PageTokenInvalid(
        "page_token must be one that an earlier page came with, which asked the same",
        field="page_token",
    )


def micros_of(moment: datetime) -> int:
    """
    Return *moment* as a token tells it, to the microsecond.
    """
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(micros: int | str) -> datetime:
    """
    Raises:
        ValueError, OverflowError: There is no such moment.
    """
    return _EPOCH + int(micros) * _MICROSECOND


def _digest(request: Message) -> bytes:
    asked = type(request)()
    asked.CopyFrom(request)
    for field in ("page_token", "page_size"):
        asked.ClearField(field)
    return sha256(asked.SerializeToString(deterministic=True)).digest()[:_DIGEST_BYTES]
