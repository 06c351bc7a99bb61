"""Views and sales on the wire."""

from collections.abc import Sequence

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.activity import ProductActivity
from services.product.application.products.record_views import RecordViews
from services.product.domain.values import ProductId
from services.product.wire.fields import check_length

MOST_VIEWED = 500


def views_from_wire(request: pb.RecordViewsRequest) -> Sequence[RecordViews]:
    check_length(request.views, "views", MOST_VIEWED)
    return [_views_from_wire(wire, f"views[{at}]") for at, wire in enumerate(request.views)]


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
