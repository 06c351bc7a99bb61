"""Pages of returns on the wire."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from google.protobuf.message import Message

from chassis.kernel.errors import InvalidInput
from chassis.kernel.text import check_text
from retail.fulfillment.v1 import return_service_pb2 as pb
from services.fulfillment.application.returns.list_returns import ListReturns
from services.fulfillment.application.returns.list_waiting_returns import ListWaitingReturns
from services.fulfillment.application.returns.ports import Place
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import ReturnId, ReturnState
from services.fulfillment.domain.values import LocationId
from services.fulfillment.wire.fields import order_id_from_wire
from services.fulfillment.wire.returns.fields import account_id_from_wire, one_of

DEFAULT_PAGE = 50
LARGEST_PAGE = 100

WAITING = (ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.RECEIVED)

_DIGEST_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class PageSizeOutOfRange(InvalidInput):
    pass


class PageTokenInvalid(InvalidInput):
    pass


def list_returns_from_wire(request: pb.ListReturnsRequest) -> ListReturns:
    return ListReturns(
        account_id=account_id_from_wire(request.account_id),
        order_id=order_id_from_wire(request.order_id, "order_id") if request.order_id else None,
        after=_place_from_wire(request.page_token, request),
        page_size=_page_size_from_wire(request.page_size),
    )


def list_waiting_from_wire(request: pb.ListWaitingReturnsRequest) -> ListWaitingReturns:
    location_id = check_text(request.location_id, "location_id", most=64)
    return ListWaitingReturns(
        state=one_of(pb.ReturnState, request.state, WAITING, "state") if request.state else None,
        location_id=LocationId(location_id) if location_id else None,
        after=_place_from_wire(request.page_token, request),
        page_size=_page_size_from_wire(request.page_size),
    )


def newest_token(last: Return, request: pb.ListReturnsRequest) -> str:
    """
    Return the token of the page of older ones than *last*.
    """
    return _token(Place(last.created_at, last.id), request)


def waiting_token(last: Return, request: pb.ListWaitingReturnsRequest) -> str:
    """
    Return the token of the page of those that wait less long than *last*.
    """
    return _token(Place(last.since, last.id), request)


def _page_size_from_wire(size: int) -> int:
    if not 0 <= size <= LARGEST_PAGE:
        raise PageSizeOutOfRange(f"page_size must be 0 to {LARGEST_PAGE}", field="page_size")
    return size or DEFAULT_PAGE


def _token(place: Place, request: Message) -> str:
    micros = (place.moment - _EPOCH) // _MICROSECOND
    said = _digest(request) + micros.to_bytes(8, "big") + place.return_id.bytes
    return urlsafe_b64encode(said).decode().rstrip("=")


def _place_from_wire(token: str, request: Message) -> Place | None:
    if not token:
        return None
    try:
        said = urlsafe_b64decode(f"{token}==")
        if said[:_DIGEST_BYTES] == _digest(request):
            place = said[_DIGEST_BYTES:]
            moment = _EPOCH + int.from_bytes(place[:8], "big") * _MICROSECOND
            return Place(moment, ReturnId(UUID(bytes=place[8:])))
    except (ValueError, OverflowError):
        pass
    raise PageTokenInvalid(
        "page_token must be one that an earlier page came with, which asked the same",
        field="page_token",
    )


def _digest(request: Message) -> bytes:
    asked = type(request)()
    asked.CopyFrom(request)
    for field in ("page_token", "page_size"):
        asked.ClearField(field)
    return sha256(asked.SerializeToString(deterministic=True)).digest()[:_DIGEST_BYTES]
