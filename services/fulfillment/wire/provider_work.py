"""The work of one provider on the wire: which page is asked for, and how it looks."""

import base64
import binascii
from collections.abc import Sequence
from uuid import UUID

from chassis.kernel.errors import InvalidInput
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.application.list_provider_work import ListProviderWork
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import FulfillmentOrderId
from services.fulfillment.wire.fields import provider_id_from_wire
from services.fulfillment.wire.orders import order_to_wire

DEFAULT_PAGE_SIZE = 50


class PageTokenMalformed(InvalidInput):
    pass


def list_provider_work_from_wire(request: pb.ListProviderWorkRequest) -> ListProviderWork:
    """
    Raises:
        InvalidInput: Something is malformed; names the field.
    """
    return ListProviderWork(
        provider_id=provider_id_from_wire(request.provider_id, "provider_id"),
        after=_id_from_token(request.page_token) if request.page_token else None,
        limit=request.page_size or DEFAULT_PAGE_SIZE,
    )


def provider_work_to_wire(
    command: ListProviderWork, work: Sequence[FulfillmentOrder], *, is_more: bool
) -> pb.ListProviderWorkResponse:
    return pb.ListProviderWorkResponse(
        fulfillment_orders=[order_to_wire(some, seen_by=command.provider_id) for some in work],
        next_page_token=_token(work[-1].id) if is_more else "",
    )


def _token(last: FulfillmentOrderId) -> str:
    return base64.urlsafe_b64encode(last.bytes).decode()


def _id_from_token(token: str) -> FulfillmentOrderId:
    try:
        return FulfillmentOrderId(UUID(bytes=base64.urlsafe_b64decode(token)))
    except (ValueError, binascii.Error):
        raise PageTokenMalformed("page_token is not one of ours", field="page_token") from None
