"""What comes back was sent, is counted, restocked and made good: once, and in all services."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

from deploy.local.invariants.evidence import Evidence
from deploy.local.invariants.goods import ON_ITS_WAY, first_kept, word_of
from deploy.local.invariants.invariant import Finding, Invariant, by_query
from deploy.local.invariants.merging import side_by_side

_FULFILLMENT_RETURNS = f"""
    SELECT id, order_id, state, refunded_minor_units AS refunded, replacement_order_id,
        since < clock_timestamp() - {ON_ITS_WAY} AS old, {
    word_of(what="sku, sellable, damaged, accepted", order='sku COLLATE "C"')
} AS goods
    FROM (
        SELECT returns.*, line ->> 'sku' AS sku, line ->> 'sellable' AS sellable,
            line ->> 'damaged' AS damaged, CASE kind WHEN 'RETURN'
                THEN (line ->> 'sellable')::bigint + (line ->> 'damaged')::bigint
                ELSE (line ->> 'quantity')::bigint END AS accepted
        FROM returns, jsonb_array_elements(lines) AS line
        WHERE state IN ('RECEIVED', 'CLOSED')
    ) AS counted
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY id
"""
_ORDER_RETURNS = f"""
    SELECT id, order_id, state, refund, replacement_id, {
    word_of(
        what="line ->> 'sku', line ->> 'sellable', line ->> 'damaged', line ->> 'accepted'",
        order='''(line ->> 'sku') COLLATE "C" ''',
    )
} AS goods
    FROM order_returns, jsonb_array_elements(goods) AS line
    GROUP BY id ORDER BY id
"""
# What comes back of a replacement is noted of the order that was paid.
_REPLACEMENTS = """
    SELECT replacement_id, order_id FROM order_returns WHERE replacement_id IS NOT NULL
"""
# A refund that failed later is asked for again by a person: it was right to ask for it.
_REFUNDS = """
    SELECT request_id::uuid, payment_id, sum(amount)::bigint AS amount
    FROM payment_transactions
    WHERE kind = 'REFUND' AND request_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    GROUP BY 1, 2 ORDER BY 1
"""


async def returns_agree(evidence: Evidence) -> Finding:
    finding, first = Finding(), await first_kept(evidence)
    paid_for = {
        row["replacement_id"]: row["order_id"]
        async for row in evidence.rows("order", _REPLACEMENTS)
    }
    async for id_, (counted, noted, paid) in side_by_side(
        evidence.rows("fulfillment", _FULFILLMENT_RETURNS),
        evidence.rows("order", _ORDER_RETURNS),
        evidence.rows("payment", _REFUNDS),
    ):
        if counted is None and noted is None:
            continue  # paid back to somebody who returned nothing
        if (counted or noted)["order_id"] < first:
            continue
        finding.checked += 1
        if problem := _problem(counted, noted, paid, paid_for):
            finding.violate(id_, problem)
    return finding


def _problem(counted: Any, noted: Any, paid: Any, paid_for: Mapping[Any, Any]) -> str:
    if counted is None:
        return "order makes it good, and fulfillment has not received it"
    if noted is None:
        if counted["state"] == "CLOSED":
            return "it is CLOSED, and order does not know of it"
        return "it was received long ago, and order does not know of it" if counted["old"] else ""
    order_id = paid_for.get(counted["order_id"], counted["order_id"])
    if (order_id, counted["goods"]) != (noted["order_id"], noted["goods"]):
        return "fulfillment and order disagree about what came back, or of which order"
    if noted["state"] == "SETTLED" and counted["state"] != "CLOSED":
        return f"it is settled for order, and {counted['state']} for fulfillment"
    refund, asked = noted["refund"] or 0, paid["amount"] if paid else 0
    if paid and paid["payment_id"] != noted["order_id"]:
        return "it is paid back from the payment of another order"
    if asked > refund or (asked != refund and noted["state"] == "SETTLED"):
        return f"{refund} is to be paid back for it, payment was asked for {asked}"
    if counted["state"] == "CLOSED" and (counted["refunded"] or 0) != refund:
        return f"it is CLOSED with {counted['refunded']} paid back, and order says {refund}"
    if counted["state"] == "CLOSED" and counted["replacement_order_id"] != noted["replacement_id"]:
        return "it is CLOSED, and replaced by another order than order says"
    return ""


_TO_RESTOCK = """
    SELECT id, order_id, state, location_id, line ->> 'sku' AS sku,
        (line ->> 'sellable')::bigint AS sellable, (line ->> 'damaged')::bigint AS damaged
    FROM order_returns, jsonb_array_elements(goods) AS line
    WHERE (line ->> 'sellable')::bigint + (line ->> 'damaged')::bigint > 0
"""
_RESTOCKED = """
    SELECT cause_id, array_agg(
        concat_ws(' ', sku, location_id, delta_on_hand, delta_damaged)) AS booked
    FROM stock_movements WHERE kind = 'RETURNED' GROUP BY cause_id
"""


async def returns_are_restocked(evidence: Evidence) -> Finding:
    """
    What order has booked in, under ids that follow from the return, stands in product's journal.
    """
    finding, first = Finding(), await first_kept(evidence)
    booked = {row["cause_id"]: row["booked"] async for row in evidence.rows("product", _RESTOCKED)}
    async for row in evidence.rows("order", _TO_RESTOCK):
        if row["order_id"] < first:
            continue
        for cause, movement in _movements(row):
            finding.checked += 1
            found = booked.get(cause, [])
            if found != [movement] and (found or row["state"] == "SETTLED"):
                finding.violate(
                    f"{row['id']} {row['sku']}", f"{movement} is to be booked in, {found} were"
                )
    return finding


def _movements(row: Any) -> Iterator[tuple[UUID, str]]:
    place = f"{row['sku']} {row['location_id']}"
    if units := row["sellable"]:
        yield uuid5(row["id"], row["sku"] + "SELLABLE"), f"{place} {units} 0"
    if units := row["damaged"]:
        yield uuid5(row["id"], row["sku"] + "DAMAGED"), f"{place} {units} {units}"


_UNITS_BACK = """
    SELECT (part ->> 0)::uuid AS shipment_id, line ->> 'sku' AS sku,
        sum((part ->> 1)::bigint) AS units
    FROM returns, jsonb_array_elements(lines) AS line,
        jsonb_array_elements(line -> 'parcels') AS part
    WHERE state NOT IN ('DECLINED', 'CANCELLED') GROUP BY 1, 2
"""
_UNITS_SENT = """
    SELECT id AS shipment_id, state, each ->> 0 AS sku, sum((each ->> 1)::bigint) AS units
    FROM shipments, jsonb_array_elements(goods) AS each
    WHERE state IN ('DISPATCHED', 'DELIVERED', 'LOST', 'RETURNED_TO_SENDER') GROUP BY 1, 2, 3
"""

INVARIANTS: tuple[Invariant, ...] = (
    by_query(
        "returns-were-sent",
        "No unit is in two returns, and each was in a parcel of the order that it comes back of.",
        context="fulfillment",
        count="SELECT count(*) FROM returns WHERE state NOT IN ('DECLINED', 'CANCELLED')",
        violations=f"""
            SELECT back.shipment_id || ' ' || sku,
                format('%s units are in returns, %s were sent', back.units, coalesce(sent.units, 0))
            FROM ({_UNITS_BACK}) AS back LEFT JOIN ({_UNITS_SENT}) AS sent USING (shipment_id, sku)
            WHERE back.units > coalesce(sent.units, 0)
            UNION ALL
            SELECT returns.id || ' ' || part.shipment_id, 'gives back goods of another order'
            FROM returns, jsonb_array_elements(lines) AS line,
                LATERAL (
                    SELECT (part ->> 0)::uuid AS shipment_id
                    FROM jsonb_array_elements(line -> 'parcels') AS part
                ) AS part
                JOIN shipments ON shipments.id = part.shipment_id
                JOIN fulfillment_orders AS work ON work.id = fulfillment_order_id
            WHERE work.order_id <> returns.order_id
        """,
    ),
    by_query(
        "returns-end",
        "Every return has ended, or waits with a deadline that has not passed by 60 s.",
        context="fulfillment",
        count="SELECT count(*) FROM returns",
        violations="""
            SELECT id::text, format('is %s since %s, due at %s', state, since, due_at)
            FROM returns
            WHERE state IN ('REQUESTED', 'APPROVED') AND (
                due_at IS NULL OR due_at < clock_timestamp() - interval '60 seconds')
        """,
    ),
    by_query(
        "returns-counted",
        "The counts of a return are the sum of its receipts, and once received, of all its units.",
        context="fulfillment",
        count="SELECT count(*) FROM return_receipts",
        violations="""
            SELECT coalesce(line.id, told.id) || ' ' || sku,
                format('%s units; sellable, damaged, refused, missing are %s, receipts say %s',
                    units, line.counts, told.counts)
            FROM (
                SELECT id, line ->> 'sku' AS sku, kind, state,
                    (line ->> 'quantity')::bigint AS units,
                    ARRAY[(line ->> 'sellable')::bigint, (line ->> 'damaged')::bigint,
                        (line ->> 'refused')::bigint, (line ->> 'missing')::bigint] AS counts,
                    (SELECT sum((part ->> 1)::bigint)
                        FROM jsonb_array_elements(line -> 'parcels') AS part) AS of_parcels
                FROM returns, jsonb_array_elements(lines) AS line
            ) AS line FULL JOIN (
                SELECT id, sku, ARRAY[
                    coalesce(sum(units) FILTER (WHERE found = 'SELLABLE'), 0),
                    coalesce(sum(units) FILTER (WHERE found = 'DAMAGED'), 0),
                    coalesce(sum(units) FILTER (WHERE found = 'REFUSED'), 0),
                    coalesce(sum(units) FILTER (WHERE found = 'MISSING'), 0)]::bigint[] AS counts
                FROM (
                    SELECT return_id AS id, each ->> 0 AS sku, (each ->> 1)::bigint AS units,
                        each ->> 2 AS found
                    FROM return_receipts, jsonb_array_elements(counts) AS each
                ) AS receipts
                GROUP BY 1, 2
            ) AS told USING (id, sku)
            WHERE line.id IS NULL OR units <> of_parcels
                OR line.counts[1:3] <> coalesce(told.counts[1:3], '{0,0,0}')
                -- What never came is missing without a receipt.
                OR line.counts[4] < coalesce(told.counts[4], 0)
                OR (kind <> 'CLAIM' AND state IN ('RECEIVED', 'CLOSED')
                    AND units <> (SELECT sum(count) FROM unnest(line.counts) AS count))
        """,
    ),
    by_query(
        "gone-parcels-made-good",
        "Every unit in a parcel that was lost or turned back is in a return or a claim.",
        context="fulfillment",
        count="SELECT count(*) FROM shipments WHERE state IN ('LOST', 'RETURNED_TO_SENDER')",
        violations=f"""
            SELECT sent.shipment_id || ' ' || sku,
                format('is %s with %s units, %s of them are made good', sent.state, sent.units,
                    coalesce(back.units, 0))
            FROM ({_UNITS_SENT}) AS sent LEFT JOIN ({_UNITS_BACK}) AS back USING (shipment_id, sku)
            WHERE sent.state IN ('LOST', 'RETURNED_TO_SENDER')
                AND sent.units IS DISTINCT FROM back.units
        """,
    ),
    Invariant(
        "returns-agree",
        "Fulfillment, order and payment agree about every return: its goods and its money.",
        returns_agree,
    ),
    Invariant(
        "returns-restocked",
        "What came back sellable or damaged is booked in, once, where it is.",
        returns_are_restocked,
    ),
    by_query(
        "refunds-match-goods",
        "What is paid back for goods is what was charged for them: their price, less their share"
        " of the discount.",
        context="order",
        count="SELECT count(DISTINCT order_id) FROM order_returns WHERE refund IS NOT NULL",
        # Parcels that are charged between two refunds may share a discount otherwise.
        violations="""
            SELECT orders.id::text, format('goods worth %s of %s came back; paid back is %s of %s',
                back.worth, items_total, back.paid, parcels.charged)
            FROM orders JOIN (
                SELECT order_id, sum(refund - order_returns.shipping)::bigint AS paid,
                    sum(order_returns.shipping)::bigint AS shipping, sum((
                        SELECT coalesce(sum((unit ->> 1)::bigint * unit_price), 0)
                        FROM jsonb_array_elements(units) AS unit JOIN order_lines AS line
                            ON line.order_id = order_returns.order_id
                            AND number = (unit ->> 0)::integer
                    ))::bigint AS worth
                FROM order_returns WHERE refund IS NOT NULL GROUP BY order_id
            ) AS back ON back.order_id = orders.id JOIN (
                SELECT order_id, count(*) AS parcels, sum(value - shipping)::bigint AS charged,
                    sum(shipping)::bigint AS shipping
                FROM order_shipments WHERE captured GROUP BY order_id
            ) AS parcels ON parcels.order_id = orders.id
            WHERE back.paid > parcels.charged OR back.shipping > parcels.shipping
                OR (discount = 0 AND paid <> worth)
                OR (discount > 0 AND parcels = 1 AND unfulfillable = '[]' AND paid <>
                    CASE WHEN items_total > 0
                        THEN div(charged::numeric * worth, items_total) ELSE 0 END)
        """,
    ),
)
