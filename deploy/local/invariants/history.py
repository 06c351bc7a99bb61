"""What the history tells of orders is what the orders say."""

from deploy.local.invariants.goods import ON_ITS_WAY
from deploy.local.invariants.invariant import Invariant, by_query

# An order notes what came of its money and goods by itself, and may never have noted what became
# of money that it gave up at once.
_SAME_MONEY = """
    (orders.payment_status = history.payment_status
        OR (orders.payment_status = 'NONE' AND history.payment_status = 'VOIDED'))
"""

INVARIANTS: tuple[Invariant, ...] = (
    by_query(
        "history-agrees",
        "The history knows every order that was heard of, and says the same of it.",
        context="order",
        count="SELECT count(*) FROM order_history",
        violations=f"""
            SELECT orders.id::text, CASE
                WHEN history.order_id IS NULL THEN 'was heard of and is not in the history'
                ELSE format('is %s; the history says %s',
                    (orders.account_id, orders.status, orders.payment_status,
                        orders.fulfillment_status, orders.reason, orders.grand_total,
                        orders.currency, orders.event_count),
                    (history.account_id, history.status, history.payment_status,
                        history.fulfillment_status, history.reason, history.grand_total,
                        history.currency, history.order_version)) END
            FROM orders
            JOIN inbox ON consumer = 'history-order' AND aggregate_id = orders.id
                AND inbox.version >= orders.event_count
            LEFT JOIN order_history AS history ON history.order_id = orders.id
            WHERE (orders.account_id, orders.status, orders.grand_total, orders.currency,
                    orders.event_count)
                IS DISTINCT FROM (history.account_id, history.status, history.grand_total,
                    history.currency, history.order_version)
                OR (orders.status IN ('REJECTED', 'CANCELLED') AND orders.reason <> history.reason)
                OR (orders.updated_at < clock_timestamp() - {ON_ITS_WAY} AND NOT (
                    orders.fulfillment_status = history.fulfillment_status AND {_SAME_MONEY}))
        """,
    ),
)
