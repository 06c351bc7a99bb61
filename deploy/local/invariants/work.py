"""Providers: what they have taken on, what they are asked, what they send."""

from deploy.local.invariants.invariant import Invariant, by_query

INVARIANTS: tuple[Invariant, ...] = (
    by_query(
        "capacity-taken",
        "A provider's day is filled by the work it has accepted for it and not given up.",
        context="fulfillment",
        count="SELECT count(*) FROM provider_days",
        violations="""
            SELECT provider_id || ' ' || day,
                format('%s count as taken, %s are accepted', coalesce(taken, 0), coalesce(live, 0))
            FROM provider_days FULL JOIN (
                SELECT provider_id, day, count(*) AS live FROM offers
                WHERE state = 'ACCEPTED' AND day IS NOT NULL GROUP BY 1, 2
            ) AS accepted USING (provider_id, day)
            WHERE coalesce(taken, 0) <> coalesce(live, 0)
        """,
    ),
    by_query(
        "promises-judged",
        "Once every parcel of some work has ended, its promise was kept or is broken.",
        context="fulfillment",
        count="SELECT count(*) FROM fulfillment_orders WHERE promise_state IS NOT NULL",
        violations="""
            SELECT id::text, format('is %s, and its promise for %s is still OPEN', status, last_day)
            FROM fulfillment_orders WHERE status = 'CLOSED' AND promise_state = 'OPEN'
        """,
    ),
    by_query(
        "labels-made",
        "Every packed parcel has its label, and none waits for one for more than 10 minutes.",
        context="fulfillment",
        count="SELECT count(*) FROM shipments WHERE packed_at IS NOT NULL",
        violations="""
            SELECT shipments.id::text, format('is %s since %s and has no label', state, packed_at)
            FROM shipments LEFT JOIN labels ON shipment_id = shipments.id
            WHERE (state = 'PACKED' AND content IS NULL)
                OR (state = 'PENDING' AND (shipment_id IS NULL
                    OR packed_at < clock_timestamp() - interval '10 minutes'))
        """,
    ),
    by_query(
        "parcels-add-up",
        "What the work counts as packed, sent, arrived and ended is what its parcels hold.",
        context="fulfillment",
        count="SELECT count(*) FROM shipments",
        violations="""
            SELECT work.id::text, format('(packed, sent, delivered, ended) are %s, parcels say %s',
                (packed_units, dispatched_units, delivered_units, ended_units), sums)
            FROM fulfillment_orders AS work LEFT JOIN LATERAL (
                SELECT coalesce(sum(units), 0) AS packed,
                    coalesce(sum(units) FILTER (WHERE dispatched_at IS NOT NULL), 0) AS sent,
                    coalesce(sum(units) FILTER (WHERE state = 'DELIVERED'), 0) AS delivered,
                    coalesce(sum(units) FILTER (
                        WHERE state IN ('DELIVERED', 'LOST', 'RETURNED_TO_SENDER')), 0) AS ended
                FROM (
                    SELECT state, dispatched_at, (SELECT sum((each ->> 1)::bigint)
                        FROM jsonb_array_elements(goods) AS each) AS units
                    FROM shipments WHERE fulfillment_order_id = work.id
                ) AS parcels
            ) AS sums ON true
            WHERE (packed_units, dispatched_units, delivered_units, ended_units) IS DISTINCT FROM
                (sums.packed, sums.sent, sums.delivered, sums.ended)
        """,
    ),
    by_query(
        "cancellations-answered",
        "Who is asked to give work up answers in time, or silence counts as yes within 60 s;"
        " who has agreed waits for somebody who is asked.",
        context="fulfillment",
        count="SELECT count(*) FROM fulfillment_orders WHERE answer_cancellation_by IS NOT NULL",
        violations="""
            SELECT id::text, CASE request_status
                WHEN 'CANCELLATION_REQUESTED'
                    THEN format('is asked for since long: the answer was due at %s',
                        answer_cancellation_by)
                ELSE 'its provider has agreed, and nobody else is asked' END
            FROM fulfillment_orders AS work
            WHERE (request_status = 'CANCELLATION_REQUESTED'
                    AND answer_cancellation_by < clock_timestamp() - interval '60 seconds')
                OR (request_status = 'CANCELLATION_ACCEPTED' AND status = 'IN_PROGRESS'
                    AND NOT EXISTS (
                        SELECT FROM fulfillment_orders AS other
                        WHERE other.order_id = work.order_id
                            AND other.request_status = 'CANCELLATION_REQUESTED'))
        """,
    ),
)
