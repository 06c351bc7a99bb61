"""What came back of orders, as rows, and back."""

from typing import Any

from sqlalchemy import Row

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.order.domain.charges import Charge
from services.order.domain.order import Order
from services.order.domain.order_return import (
    OrderReturn,
    OrderReturnState,
    Resolution,
    ReturnedGoods,
    ReturnKind,
)
from services.order.domain.values import LocationId, OrderId, ReturnId


def return_rows(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "id": taken.id,
            "order_id": order.id,
            "kind": taken.kind,
            "resolution": taken.resolution,
            "state": taken.state,
            "location_id": taken.location_id,
            "goods": taken.goods,
            "units": [*taken.units.items()],
            "refund": taken.refund.value.minor_units if taken.refund else None,
            "shipping": taken.refund.shipping.minor_units if taken.refund else None,
            "replacement_id": taken.replacement_id,
            "received_at": taken.received_at,
        }
        for taken in order.returns.values()
    ]


def return_from_row(row: Row[Any], currency: str) -> OrderReturn:
    return OrderReturn(
        id=ReturnId(row.id),
        kind=ReturnKind(row.kind),
        resolution=Resolution(row.resolution),
        state=OrderReturnState(row.state),
        location_id=LocationId(row.location_id),
        goods=tuple(ReturnedGoods(**{**some, "sku": Sku(some["sku"])}) for some in row.goods),
        units=dict(row.units),
        refund=None
        if row.refund is None
        else Charge(value=Money(row.refund, currency), shipping=Money(row.shipping, currency)),
        replacement_id=OrderId(row.replacement_id) if row.replacement_id else None,
        received_at=row.received_at,
    )
