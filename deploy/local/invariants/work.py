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
        "cancellations-answered",
        "Who is asked to give work up answers in time, or silence counts as yes within 60 s.",
        context="fulfillment",
        count="""
            SELECT count(*) FROM fulfillment_orders
            WHERE request_status = 'CANCELLATION_REQUESTED'
        """,
        violations="""
            SELECT id::text, format('is asked for since long: the answer was due at %s',
                answer_cancellation_by)
            FROM fulfillment_orders
            WHERE request_status = 'CANCELLATION_REQUESTED'
                AND answer_cancellation_by < clock_timestamp() - interval '60 seconds'
        """,
    ),
)
