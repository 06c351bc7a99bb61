"""Pages of products on the wire."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from uuid import UUID

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.products import ProductFilter
from services.product.application.products.list_products import ListProducts
from services.product.domain.product import ProductState
from services.product.domain.values import CategoryId, ProductId
from services.product.wire.fields import (
    PageSizeOutOfRange,
    PageTokenInvalid,
    timestamp_from_wire,
)

DEFAULT_PAGE = 50
LARGEST_PAGE = 100
_ID_BYTES = 16

STATES = {getattr(pb, f"PRODUCT_STATE_{state}"): state for state in ProductState}


class StateUnknown(InvalidInput):
    pass


def list_products_from_wire(request: pb.ListProductsRequest) -> ListProducts:
    if not 0 <= request.page_size <= LARGEST_PAGE:
        raise PageSizeOutOfRange(f"a page has 1 to {LARGEST_PAGE} products", field="page_size")
    wanted = filter_from_wire(request)
    return ListProducts(
        after=page_token_from_wire(request.page_token, wanted) if request.page_token else None,
        page_size=request.page_size or DEFAULT_PAGE,
        wanted=wanted,
    )


def filter_from_wire(request: pb.ListProductsRequest) -> ProductFilter:
    if request.state and request.state not in STATES:
        raise StateUnknown(f"there is no state {request.state}", field="state")
    return ProductFilter(
        state=STATES.get(request.state),
        category_id=CategoryId(parse_id(request.category_id, "category_id"))
        if request.category_id
        else None,
        updated_since=timestamp_from_wire(request.updated_since, "updated_since")
        if request.HasField("updated_since")
        else None,
    )


def page_token_from_wire(token: str, wanted: ProductFilter) -> ProductId:
    """
    Raises:
        PageTokenInvalid: It is no page token, or one of pages of other products.
    """
    try:
        said = urlsafe_b64decode(f"{token}==")
        if said[_ID_BYTES:] == _digest(wanted):
            return ProductId(UUID(bytes=said[:_ID_BYTES]))
    except (binascii.Error, ValueError):
        pass
    raise PageTokenInvalid(
        "page_token must be one that an earlier page came with, which asked the same",
        field="page_token",
    )


def page_token_to_wire(last: ProductId, wanted: ProductFilter) -> str:
    return urlsafe_b64encode(last.bytes + _digest(wanted)).decode().rstrip("=")


def _digest(wanted: ProductFilter) -> bytes:
    if wanted == ProductFilter():
        # As ever: an older version's tokens go on to work.
        return b""
    said = f"{wanted.state} {wanted.category_id} {wanted.updated_since}"
    return sha256(said.encode()).digest()[:8]
