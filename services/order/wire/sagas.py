"""Between the stories of orders and the contract in protos/retail/order/v1/saga_service.proto."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis.kernel.errors import DomainError
from chassis.rpc.errors import status_from_error
from chassis.rpc.timestamps import timestamp_to_wire
from retail.order.v1 import saga_service_pb2 as pb
from services.order.application.sagas.list_sagas import ListSagas
from services.order.application.sagas.ports import OrderSagaStanding
from services.order.wire.orders import DOMAIN, PageTokenMalformed

DEFAULT_PAGE_SIZE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def list_sagas_from_wire(request: pb.ListSagasRequest) -> ListSagas:
    """
    Raises:
        InvalidInput: Something is malformed; names the field.
    """
    return ListSagas(
        after=_place_from_token(request.page_token) if request.page_token else None,
        step=request.step,
        waits_for=request.waits_for,
        least_seconds=request.least_seconds,
        stuck=request.stuck,
        limit=request.page_size or DEFAULT_PAGE_SIZE,
    )


def saga_page_token(last: OrderSagaStanding) -> str:
    """
    Return the token for the page after *last*; opaque to clients.
    """
    assert last.standing
    micros = (last.standing.since - _EPOCH) // _MICROSECOND
    return base64.urlsafe_b64encode(
        micros.to_bytes(8, "big", signed=True) + last.standing.id.bytes
    ).decode()


def _place_from_token(token: str) -> tuple[datetime, UUID]:
    try:
        packed = base64.urlsafe_b64decode(token)
        micros = int.from_bytes(packed[:8], "big", signed=True)
        return _EPOCH + micros * _MICROSECOND, UUID(bytes=packed[8:])
    except (ValueError, OverflowError, binascii.Error):
        raise PageTokenMalformed("page_token is not one of ours", field="page_token") from None


def saga_result_to_wire(answer: OrderSagaStanding | DomainError) -> pb.SagaResult:
    if isinstance(answer, DomainError):
        return pb.SagaResult(error=status_from_error(answer, DOMAIN))
    return pb.SagaResult(saga=saga_to_wire(answer))


def saga_to_wire(saga: OrderSagaStanding) -> pb.Saga:
    standing = saga.standing
    wire = pb.Saga(
        order_id=str(saga.order_id),
        account_id=saga.account_id,
        skippable=saga.skippable,
        return_id=str(saga.return_id or ""),
    )
    if standing:
        wire.step = standing.step
        wire.waits_for = standing.waits_for
        wire.since_time.CopyFrom(timestamp_to_wire(standing.since))
        wire.due_time.CopyFrom(timestamp_to_wire(standing.due_at))
        wire.attempts = standing.attempts
        wire.last_error = standing.last_error
        wire.begin_time.CopyFrom(timestamp_to_wire(standing.began_at))
    return wire
