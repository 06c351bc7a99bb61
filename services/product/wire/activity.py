"""Views and sales on the wire."""

from collections.abc import Sequence

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.activity import ProductActivity
from services.product.application.products.record_views import RecordViews
from services.product.domain.values import ProductId

MOST_VIEWED = 500
MOST_PRODUCTS = 100


class BatchOutOfRange(InvalidInput):
    pass


def views_from_wire(request: pb.RecordViewsRequest) -> Sequence[RecordViews]:
    _check_length(request.views, "views", MOST_VIEWED)
    return [_views_from_wire(wire, f"views[{at}]") for at, wire in enumerate(request.views)]


def product_ids_from_wire(ids: Sequence[str]) -> Sequence[ProductId]:
    _check_length(ids, "product_ids", MOST_PRODUCTS)
    return [ProductId(parse_id(text, f"product_ids[{at}]")) for at, text in enumerate(ids)]


def activity_to_wire(activity: ProductActivity) -> pb.Activity:
    return pb.Activity(
        product_id=str(activity.product_id),
        views_today=activity.views_today,
        views=activity.views,
        sold_today=activity.sold_today,
        sold=activity.sold,
    )


def _views_from_wire(wire: pb.Views, field: str) -> RecordViews:
    product_id = ProductId(parse_id(wire.product_id, f"{field}.product_id"))
    try:
        return RecordViews(product_id=product_id, count=wire.count)
    except InvalidInput as error:
        error.field = f"{field}.{error.field}"
        raise


def _check_length(entries: Sequence[object], field: str, most: int) -> None:
    if not 1 <= len(entries) <= most:
        raise BatchOutOfRange(
            f"{field} must have 1 to {most} entries, not {len(entries)}", field=field
        )
