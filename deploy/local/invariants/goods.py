"""What one service says of an order is what the others say: goods, parcels, money."""

from typing import Any

from deploy.local.invariants.evidence import Evidence
from deploy.local.invariants.invariant import Finding, Invariant, by_query
from deploy.local.invariants.merging import side_by_side

ENDED = {"COMPLETED", "REJECTED", "CANCELLED"}

# What is younger than this may be on its way from one service to the next.
ON_ITS_WAY = "interval '60 seconds'"


def word_of(*, what: str, order: str) -> str:
    """
    Return how a list of goods becomes one short word: the same goods, the same word, whoever keeps
    them.
    """
    return f"md5(string_agg(concat_ws(' ', {what}), ',' ORDER BY {order}))"


_ORDERS_GOODS = f"""
    SELECT id, status, old, {
    word_of(what="location_id, sku, units", order='location_id COLLATE "C", sku COLLATE "C"')
} AS goods
    FROM (
        SELECT id, status, updated_at < clock_timestamp() - {ON_ITS_WAY} AS old,
            each ->> 1 AS location_id, each ->> 0 AS sku, sum((each ->> 2)::bigint) AS units
        FROM orders LEFT JOIN jsonb_array_elements(allocations) AS each ON true
        GROUP BY 1, 2, 3, 4, 5
    ) AS places GROUP BY id, status, old ORDER BY id
"""
_RESERVED_GOODS = f"""
    SELECT reservation_id, state, {
    word_of(what="location_id, sku, quantity", order='location_id COLLATE "C", sku COLLATE "C"')
} AS goods
    FROM reservation_allocations JOIN reservations ON id = reservation_id
    WHERE quantity > 0
    GROUP BY reservation_id, state ORDER BY reservation_id
"""
_FULFILLED_GOODS = f"""
    SELECT order_id, {
    word_of(what="location_id, sku, units", order='location_id COLLATE "C", sku COLLATE "C"')
} AS goods
    FROM (
        SELECT order_id, location_id, each ->> 0 AS sku, sum((each ->> 1)::bigint) AS units
        FROM fulfillment_orders, jsonb_array_elements(goods) AS each GROUP BY 1, 2, 3
    ) AS places GROUP BY order_id ORDER BY order_id
"""


async def first_kept(evidence: Evidence) -> Any:
    """
    Return the id that orders begin with: those before it were put away, and the other services
    still speak of them.
    """
    return await evidence.value("order", "SELECT first_kept_id()")


async def reservations_match_orders(evidence: Evidence) -> Finding:
    finding, first = Finding(), await first_kept(evidence)
    async for id_, (order, reservation) in side_by_side(
        evidence.rows("order", _ORDERS_GOODS),
        evidence.rows("product", _RESERVED_GOODS),
    ):
        if id_ < first:
            continue
        finding.checked += 1
        status, state = order and order["status"], reservation and reservation["state"]
        if order is None:
            # Whoever calls product by himself may hold goods for a while, for no order.
            if state not in ("RELEASED", "EXPIRED"):
                finding.violate(id_, f"goods are {state} for it, and there is no such order")
        elif status in ENDED and state in ("HELD", "CONFIRMED"):
            finding.violate(id_, f"it is {status}, and its goods are still {state}")
        elif status in ("PLACED", "COMPLETED") and reservation is None:
            finding.violate(id_, f"it is {status}, and nothing is reserved for it")
        elif status == "PLACED" and state not in ("CONFIRMED", "CONSUMED", "RELEASED"):
            finding.violate(id_, f"it is PLACED, and its goods are {state}")
        elif status in ("PLACED", "COMPLETED") and order["goods"] != reservation["goods"]:
            finding.violate(id_, "other goods are reserved for it than it believes")
        elif status == "COMPLETED" and state not in ("CONSUMED", "RELEASED"):
            finding.violate(id_, f"it is COMPLETED, and its goods are {state}")
    return finding


async def fulfillment_matches_orders(evidence: Evidence) -> Finding:
    finding, first = Finding(), await first_kept(evidence)
    async for id_, (order, work) in side_by_side(
        evidence.rows("order", _ORDERS_GOODS),
        evidence.rows("fulfillment", _FULFILLED_GOODS),
    ):
        if id_ < first:
            continue
        finding.checked += 1
        status = order and order["status"]
        if order is None:
            finding.violate(id_, "there is work for it, and no such order")
        elif status in ("PENDING", "REJECTED") and work:
            finding.violate(id_, f"it is {status}, and there is work for it")
        elif status == "COMPLETED" and not work:
            finding.violate(id_, "it is COMPLETED, and nobody ever had work with it")
        elif status == "PLACED" and not work and order["old"]:
            finding.violate(id_, "it is PLACED since long, and there is no work for it")
        elif work and work["goods"] != order["goods"]:
            finding.violate(id_, "the goods to send are others than those allocated to it")
    return finding


_PRODUCT_PARCELS = f"""
    SELECT shipment_id, reservation_id AS order_id, location_id, {
    word_of(what="key, value", order='key COLLATE "C"')
} AS goods
    FROM reservation_shipments, jsonb_each_text(lines)
    GROUP BY 1, 2, 3 ORDER BY shipment_id
"""
_ORDER_PARCELS = f"""
    SELECT parcel.id, order_id, location_id, captured, status, {
    word_of(what="each ->> 0, each ->> 1", order='(each ->> 0) COLLATE "C"')
} AS goods
    FROM order_shipments AS parcel JOIN orders ON orders.id = order_id,
        jsonb_array_elements(goods) AS each
    GROUP BY 1, 2, 3, 4, 5 ORDER BY parcel.id
"""
_FULFILLMENT_PARCELS = f"""
    SELECT parcel.id, order_id, location_id, state,
        dispatched_at < clock_timestamp() - {ON_ITS_WAY} AS old, {
    word_of(what="each ->> 0, each ->> 1", order='(each ->> 0) COLLATE "C"')
} AS goods
    FROM shipments AS parcel JOIN fulfillment_orders AS work ON work.id = fulfillment_order_id,
        jsonb_array_elements(parcel.goods) AS each
    WHERE state IN ('DISPATCHED', 'DELIVERED', 'LOST', 'RETURNED_TO_SENDER')
    GROUP BY 1, 2, 3, 4, 5 ORDER BY parcel.id
"""


_ENDED_PARCELS = ("DELIVERED", "LOST", "RETURNED_TO_SENDER")


async def parcels_match(evidence: Evidence) -> Finding:
    """
    A parcel is told of by fulfillment, noted by order, booked out by product: in this way.
    """
    finding, first = Finding(), await first_kept(evidence)
    async for id_, (sent, noted, booked) in side_by_side(
        evidence.rows("fulfillment", _FULFILLMENT_PARCELS),
        evidence.rows("order", _ORDER_PARCELS),
        evidence.rows("product", _PRODUCT_PARCELS),
    ):
        known = [row for row in (sent, noted, booked) if row]
        if known[0]["order_id"] < first:
            continue
        finding.checked += 1
        if sent is None:
            who = "order" if noted else "product"
            finding.violate(id_, f"{who} knows this parcel, and nobody has sent it")
        elif booked and not noted:
            finding.violate(id_, "product has booked it out, and order does not know of it")
        elif len({(row["order_id"], row["location_id"], row["goods"]) for row in known}) > 1:
            finding.violate(id_, "the services disagree about what is in it, and from where")
        elif noted is None and sent["old"]:
            finding.violate(id_, "it left long ago, and order does not know of it")
        elif noted and noted["captured"] and not booked:
            finding.violate(id_, "it was charged, and product has not booked it out")
        elif noted and noted["status"] in ENDED and not booked:
            finding.violate(id_, f"its order is {noted['status']}, and it is not booked out")
        elif noted and noted["status"] == "COMPLETED" and sent["state"] not in _ENDED_PARCELS:
            finding.violate(id_, f"its order is COMPLETED, and the parcel is {sent['state']}")
    return finding


_ORDERS_MONEY = """
    SELECT orders.id, status, currency, grand_total, authorized, unfulfillable = '[]' AS whole,
        coalesce(sum(value), 0) AS dispatched,
        coalesce(sum(value) FILTER (WHERE captured), 0) AS charged
    FROM orders LEFT JOIN order_shipments ON order_id = orders.id
    GROUP BY orders.id ORDER BY orders.id
"""
# A PSP that moves another amount than a capture asked for has not changed what that was for: it is
# a difference for reconciliation, not goods that were paid wrongly.
_PAYMENTS = """
    SELECT id, currency, authorized, voided, captured + coalesce(not_moved, 0) AS captured,
        authorized_pending + captured_pending + voided_pending AS pending
    FROM payments LEFT JOIN (
        SELECT payment_id, sum(amount - moved)::bigint AS not_moved FROM payment_transactions
        WHERE kind = 'CAPTURE' AND state = 'SUCCEEDED' AND moved <> amount GROUP BY payment_id
    ) AS captures ON payment_id = payments.id
    ORDER BY id
"""


async def money_matches_goods(evidence: Evidence) -> Finding:
    finding, first = Finding(), await first_kept(evidence)
    async for id_, (order, payment) in side_by_side(
        evidence.rows("order", _ORDERS_MONEY),
        evidence.rows("payment", _PAYMENTS),
    ):
        # Orders have names in the order of time (UUIDv7). Who pays without one has others.
        if id_ < first or (order is None and id_.version != 7):
            continue
        finding.checked += 1
        if problem := _money_problem(order, payment):
            finding.violate(id_, problem)
    return finding


def _money_problem(order: Any, payment: Any) -> str:
    if order is None:
        return "there is a payment for it, and no such order"
    status, captured = order["status"], payment["captured"] if payment else 0
    left = payment["authorized"] - captured - payment["voided"] if payment else 0
    if payment and payment["authorized"] and payment["currency"] != order["currency"]:
        return f"it is in {order['currency']}, its payment in {payment['currency']}"
    if status in ("REJECTED", "CANCELLED"):
        if captured or left or (payment and payment["pending"]):
            return f"it is {status}; {captured} is captured and {left} still set aside"
        return ""
    if not order["charged"] <= captured <= order["dispatched"]:
        return (
            f"{captured} is captured; parcels worth {order['dispatched']} have left,"
            f" {order['charged']} of it noted as charged"
        )
    # What costs nothing has no payment.
    set_aside = payment["authorized"] if payment else 0
    if status == "PLACED" and set_aside != order["authorized"]:
        return f"it is PLACED, and not {order['authorized']} set aside for it"
    if status == "COMPLETED":
        if captured != order["dispatched"]:
            return f"it is COMPLETED; {captured} is captured for {order['dispatched']} dispatched"
        if order["whole"] and captured != order["grand_total"]:
            return f"it is COMPLETED; {captured} is captured of {order['grand_total']}"
        if left > 0:
            return f"it is COMPLETED; {left} is still set aside"
    return ""


INVARIANTS = (
    Invariant(
        "reservations-match-orders",
        "The goods of an order are promised as long as it lives, and no longer.",
        reservations_match_orders,
    ),
    Invariant(
        "fulfillment-matches-orders",
        "The work on an order, all locations together, is what is allocated to it.",
        fulfillment_matches_orders,
    ),
    by_query(
        "changes-whole",
        "All the work of an order that is still to be done follows the same change of it.",
        context="fulfillment",
        count="SELECT count(DISTINCT order_id) FROM fulfillment_orders",
        violations="""
            SELECT order_id::text,
                format('its work follows the changes %s', array_agg(DISTINCT change_number))
            FROM fulfillment_orders WHERE ordered_units > 0
            GROUP BY order_id HAVING count(DISTINCT change_number) > 1
        """,
    ),
    Invariant(
        "parcels-match",
        "Fulfillment, order and product agree about every parcel and what is in it.",
        parcels_match,
    ),
    Invariant(
        "money-matches-goods",
        "What is captured for an order is what its parcels are worth; nothing is kept set aside.",
        money_matches_goods,
    ),
)
