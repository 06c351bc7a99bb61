"""Work for a provider to do: without orders, opened as the service opens what it hears of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.storage.database import connect
from chassis.wake import Wake
from deploy.local.cluster import Cluster
from deploy.local.invariants.evidence import connect as connect_as_administrator
from services.fulfillment.adapters.unit_of_work import sql_unit_of_work
from services.fulfillment.application.open_fulfillment_orders import (
    OpenFulfillmentOrders,
    open_fulfillment_orders,
)
from services.fulfillment.domain.returns.values import AccountId
from services.fulfillment.domain.values import Address, Goods, LocationId, OrderId

PROVIDER = "bench"
ACCOUNT = "bench"
SKU = "BENCH"
UNITS = 2
# Longer than any round.
ANSWER_WITHIN = timedelta(hours=4)
CHUNK = 500

_OFFERED = """
    SELECT work.id, order_id, offers.id AS offer_id
    FROM fulfillment_orders AS work JOIN offers ON fulfillment_order_id = work.id
    WHERE order_id = ANY($1::uuid[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """
    The work of one order, and what is going to happen to it.
    """

    id: str
    order_id: str
    offer_id: str
    shipment_id: str
    return_id: str
    receipt_id: str


async def open_work(cluster: Cluster, count: int) -> Sequence[Piece]:
    """
    Open work for *count* orders, and return it as it is offered to the provider.
    """
    database = connect(cluster.databases["fulfillment"].app, application="bench")
    uow = sql_unit_of_work(database, told=Wake(), clock=system_clock)
    ids = [new_id() for _ in range(count)]
    try:
        for start in range(0, count, CHUNK):
            async with uow() as tx:
                await open_fulfillment_orders(
                    [command_of(id_) for id_ in ids[start : start + CHUNK]],
                    tx=tx,
                    clock=system_clock,
                    answer_within=ANSWER_WITHIN,
                )
    finally:
        await database.close()
    admin = await connect_as_administrator(cluster.databases["fulfillment"].admin)
    try:
        rows = await admin.fetch(_OFFERED, ids)
    finally:
        await admin.close()
    assert len(rows) == count, f"{len(rows)} of {count} pieces of work were offered"
    return [
        Piece(
            id=str(row["id"]),
            order_id=str(row["order_id"]),
            offer_id=str(row["offer_id"]),
            shipment_id=str(uuid4()),
            return_id=str(uuid4()),
            receipt_id=str(uuid4()),
        )
        for row in rows
    ]


def command_of(order_id: UUID) -> OpenFulfillmentOrders:
    return OpenFulfillmentOrders(
        order_id=OrderId(order_id),
        account_id=AccountId(ACCOUNT),
        ship_to=Address(
            name="Bench", lines=("1 Bench",), city="Port Vila", postal_code="", country_code="VU"
        ),
        goods=((LocationId("main"), Goods(Sku(SKU), Quantity(UNITS))),),
    )
