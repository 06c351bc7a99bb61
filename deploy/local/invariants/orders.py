"""Every order ends, adds up, and is answered for once."""

from deploy.local.invariants.invariant import Invariant, by_query

ENDED = "('COMPLETED', 'REJECTED', 'CANCELLED')"

# A customer may cancel before anything was allocated.
_PROMISED = "status IN ('PLACED', 'COMPLETED') OR (status = 'CANCELLED' AND allocations <> '[]')"

INVARIANTS: tuple[Invariant, ...] = (
    by_query(
        "orders-end",
        "Every order has ended, or has a saga that works or waits for somebody with a deadline.",
        context="order",
        count="SELECT count(*) FROM orders",
        violations=f"""
            SELECT orders.id::text, CASE
                WHEN sagas.id IS NULL THEN format('is %s and nothing drives it', status)
                WHEN due_at < clock_timestamp() - interval '60 seconds'
                    THEN format('is %s; step %s was due at %s', status, step, due_at)
                WHEN attempts >= 30
                    THEN format('is %s; step %s failed %s times since %s: %s',
                        status, step, attempts, since, last_error)
                ELSE format('is %s; step %s is due at %s and waits for nobody',
                    status, step, due_at) END
            FROM orders LEFT JOIN sagas USING (id)
            WHERE status NOT IN {ENDED} AND (
                sagas.id IS NULL OR due_at < clock_timestamp() - interval '60 seconds'
                -- Who is away for minutes delays, and breaks nothing.
                OR (attempts >= 30 AND since < clock_timestamp() - interval '10 minutes')
                OR (waits_for = '' AND due_at > clock_timestamp() + interval '60 seconds'))
        """,
    ),
    by_query(
        "sagas-end",
        "No saga is left of an order or a return that has ended, or of none at all.",
        context="order",
        count="SELECT count(*) FROM sagas",
        violations=f"""
            SELECT sagas.id::text, format('stands at %s; the order is %s, the return is %s',
                step, status, state)
            FROM sagas LEFT JOIN orders USING (id) LEFT JOIN order_returns USING (id)
            WHERE coalesce(status, 'COMPLETED') IN {ENDED}
                AND coalesce(state, 'SETTLED') = 'SETTLED'
        """,
    ),
    by_query(
        "returns-settle",
        "Every return is settled, or has a saga that works or waits for somebody.",
        context="order",
        count="SELECT count(*) FROM order_returns",
        violations="""
            SELECT order_returns.id::text, CASE
                WHEN sagas.id IS NULL THEN 'is being settled and nothing drives it'
                ELSE format('step %s was due at %s, failed %s times since %s: %s',
                    step, due_at, attempts, since, last_error) END
            FROM order_returns LEFT JOIN sagas USING (id)
            WHERE state <> 'SETTLED' AND (
                sagas.id IS NULL OR due_at < clock_timestamp() - interval '60 seconds'
                OR (attempts >= 30 AND since < clock_timestamp() - interval '10 minutes'))
        """,
    ),
    by_query(
        "returns-add-up",
        "No more comes back of an order than has left, and no more is paid back than was charged.",
        context="order",
        count="SELECT count(DISTINCT order_id) FROM order_returns",
        violations="""
            SELECT order_id::text, format('%s units of %s came back; %s of %s is paid back',
                back.units, sent.units, back.refund, sent.charged)
            FROM (
                SELECT order_id, sum(refund) AS refund, sum(
                    (SELECT coalesce(sum((line ->> 1)::bigint), 0)
                    FROM jsonb_array_elements(order_returns.units) AS line)) AS units
                FROM order_returns WHERE order_id >= first_kept_id() GROUP BY order_id
            ) AS back LEFT JOIN (
                SELECT order_id, sum(value) FILTER (WHERE captured) AS charged, sum(
                    (SELECT sum((item ->> 1)::bigint)
                    FROM jsonb_array_elements(goods) AS item)) AS units
                FROM order_shipments GROUP BY order_id
            ) AS sent USING (order_id)
            WHERE back.units > coalesce(sent.units, 0)
                OR coalesce(back.refund, 0) > coalesce(sent.charged, 0)
        """,
    ),
    by_query(
        "orders-add-up",
        "An order's items total is the sum of its lines; its parcels are worth the whole or less.",
        context="order",
        count="SELECT count(*) FROM order_lines",
        violations="""
            SELECT id::text, format('items total is %s, lines say %s; parcels are worth %s of %s',
                items_total, lines.total, parcels.value, grand_total)
            FROM orders LEFT JOIN (
                SELECT order_id, sum(quantity * unit_price) AS total FROM order_lines GROUP BY 1
            ) AS lines ON lines.order_id = id
            LEFT JOIN (
                SELECT order_id, sum(value) AS value FROM order_shipments GROUP BY 1
            ) AS parcels ON parcels.order_id = id
            WHERE items_total IS DISTINCT FROM lines.total
                OR grand_total <> items_total + shipping - discount
                OR parcels.value > grand_total
                OR (status = 'COMPLETED' AND unfulfillable = '[]'
                    AND parcels.value IS DISTINCT FROM grand_total)
        """,
    ),
    by_query(
        "allocations-cover-lines",
        "What is allocated to an order that was confirmed is what its lines ask for.",
        context="order",
        count=f"SELECT count(*) FROM orders WHERE {_PROMISED}",
        violations=f"""
            SELECT coalesce(asked.order_id, given.order_id) || ' ' || sku,
                format('%s units are asked for, %s allocated', asked.units, given.units)
            FROM (
                SELECT order_id, sku, sum(quantity) AS units FROM order_lines
                JOIN orders ON orders.id = order_id
                WHERE {_PROMISED} GROUP BY 1, 2
            ) AS asked FULL JOIN (
                SELECT id AS order_id, each ->> 0 AS sku, sum((each ->> 2)::bigint) AS units
                FROM orders, jsonb_array_elements(allocations) AS each
                WHERE {_PROMISED} GROUP BY 1, 2
            ) AS given USING (order_id, sku)
            WHERE asked.units IS DISTINCT FROM given.units
        """,
    ),
    by_query(
        "orders-tell-their-story",
        "An order tells once that it was placed, once that it was confirmed, once how it ended.",
        context="order",
        count="SELECT count(*) FROM orders",
        violations="""
            SELECT id::text, format('is %s and told: placed %s, confirmed %s, completed %s,'
                ' rejected %s, cancelled %s times', status, placed, confirmed, completed,
                rejected, cancelled)
            FROM orders LEFT JOIN (
                SELECT aggregate_id,
                    count(*) FILTER (WHERE subject LIKE '%.OrderPlaced') AS placed,
                    count(*) FILTER (WHERE subject LIKE '%.OrderConfirmed') AS confirmed,
                    count(*) FILTER (WHERE subject LIKE '%.OrderCompleted') AS completed,
                    count(*) FILTER (WHERE subject LIKE '%.OrderRejected') AS rejected,
                    count(*) FILTER (WHERE subject LIKE '%.OrderCancelled') AS cancelled
                FROM told_events GROUP BY aggregate_id
            ) AS told ON aggregate_id = id
            WHERE created_at >= coalesce((SELECT forgotten_before FROM stream_state), '-infinity')
            AND (placed, confirmed, completed, rejected, cancelled) IS DISTINCT FROM (
                1,
                CASE WHEN status = 'CANCELLED' THEN least(confirmed, 1)
                    ELSE (status IN ('PLACED', 'COMPLETED'))::int END,
                (status = 'COMPLETED')::int,
                (status = 'REJECTED')::int,
                (status = 'CANCELLED')::int)
        """,
    ),
    by_query(
        "requests-answered-once",
        "Every order answers one request, and every request has one order, while both are kept.",
        context="order",
        count="SELECT count(*) FROM idempotency",
        violations="""
            SELECT coalesce(orders.id, outcome_id)::text, CASE
                WHEN orders.id IS NULL THEN 'a request was answered with it, and it is not there'
                ELSE format('answers %s requests', coalesce(requests, 0)) END
            FROM orders FULL JOIN (
                SELECT outcome_id, count(*) AS requests FROM idempotency GROUP BY outcome_id
            ) AS answered ON outcome_id = orders.id
            WHERE (orders.id IS NULL AND outcome_id >= first_kept_id()) OR requests > 1
                -- No request is forgotten within a day, whatever the settings say.
                OR (requests IS NULL AND created_at > clock_timestamp() - interval '1 day')
        """,
    ),
    by_query(
        "carts-become-orders",
        "Every cart that was checked out is one order of its account, and no other cart is.",
        context="order",
        count="SELECT count(*) FROM carts WHERE state = 'CHECKED_OUT'",
        violations="""
            SELECT carts.id::text, CASE
                WHEN orders.id IS NULL THEN format('became order %s, which is not there', order_id)
                WHEN as_many > 1 THEN format('became order %s, and so did another', order_id)
                ELSE format('became order %s, of another account', order_id) END
            FROM carts LEFT JOIN orders ON orders.id = order_id LEFT JOIN (
                SELECT order_id, count(*) AS as_many FROM carts GROUP BY 1
            ) AS together USING (order_id)
            WHERE carts.state = 'CHECKED_OUT' AND order_id >= first_kept_id() AND (
                as_many > 1 OR orders.account_id IS DISTINCT FROM carts.account_id)
        """,
    ),
)
