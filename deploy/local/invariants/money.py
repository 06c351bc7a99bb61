"""The books balance, and agree with the payments."""

from deploy.local.invariants.invariant import Invariant, by_query

INVARIANTS: tuple[Invariant, ...] = (
    by_query(
        "entries-balance",
        "Every journal entry has postings, and they add up to zero in each currency.",
        context="payment",
        count="SELECT count(*) FROM ledger_entries",
        violations="""
            SELECT coalesce(id, entry_id)::text, format('adds up to %s %s', total, currency)
            FROM ledger_entries FULL JOIN (
                SELECT entry_id, currency, sum(amount) AS total
                FROM ledger_postings GROUP BY entry_id, currency
            ) AS sums ON id = entry_id
            WHERE total IS DISTINCT FROM 0 OR id IS NULL
        """,
    ),
    by_query(
        "ledger-balances",
        "The ledger adds up to zero in each currency, and its balances are the sums of postings.",
        context="payment",
        count="SELECT count(*) FROM ledger_postings",
        violations="""
            SELECT currency, format('debits and credits differ by %s', sum(amount))
            FROM ledger_postings GROUP BY currency HAVING sum(amount) <> 0
            UNION ALL
            SELECT account || ' ' || currency,
                format('the balance is %s, the postings say %s', kept.total, posted.total)
            FROM (
                SELECT account, currency, sum(amount) AS total FROM ledger_balances
                GROUP BY account, currency
            ) AS kept FULL JOIN (
                SELECT account, currency, sum(amount) AS total FROM ledger_postings
                GROUP BY account, currency
            ) AS posted USING (account, currency)
            WHERE coalesce(kept.total, 0) <> coalesce(posted.total, 0)
        """,
    ),
    by_query(
        "captures-booked-once",
        "Every capture that succeeded is in the books once, with its amount; nothing else is.",
        context="payment",
        count="""
            SELECT count(*) FROM payment_transactions
            WHERE kind = 'CAPTURE' AND state = 'SUCCEEDED'
        """,
        violations="""
            SELECT coalesce(taken.id, booked.transaction_id)::text,
                format('%s was captured, %s is booked in %s entries',
                    taken.amount, booked.amount, booked.entries)
            FROM (
                SELECT id, amount, shipping FROM payment_transactions
                WHERE kind = 'CAPTURE' AND state = 'SUCCEEDED'
            ) AS taken FULL JOIN (
                SELECT transaction_id, count(DISTINCT entry.id) AS entries,
                    sum(amount) FILTER (WHERE account = 'psp_clearing') AS amount,
                    coalesce(-sum(amount) FILTER (WHERE account = 'shipping_income'), 0) AS shipping
                FROM ledger_entries AS entry JOIN ledger_postings ON entry_id = entry.id
                GROUP BY transaction_id
            ) AS booked ON taken.id = booked.transaction_id
            WHERE (taken.amount, taken.shipping, 1) IS DISTINCT FROM
                (booked.amount, booked.shipping, booked.entries)
        """,
    ),
    by_query(
        "payments-within-limits",
        "No payment captures more than was authorized, or refunds more than was captured.",
        context="payment",
        count="SELECT count(*) FROM payments",
        violations="""
            SELECT id::text, format('authorized %s, captured %s, voided %s, refunded %s',
                authorized, captured, voided, refunded)
            FROM payments
            WHERE captured + voided > authorized OR refunded > captured
                OR least(authorized, authorized_pending, captured, captured_pending, voided,
                    voided_pending, refunded, refunded_pending, charged_back) < 0
        """,
    ),
    by_query(
        "payments-add-up",
        "The totals of every payment are the sums of its transactions.",
        context="payment",
        count="SELECT count(*) FROM payment_transactions",
        violations="""
            SELECT payments.id::text, format('totals are %s, transactions say %s',
                (authorized, authorized_pending, captured, captured_pending, voided,
                    voided_pending, refunded, refunded_pending, charged_back), sums)
            FROM payments LEFT JOIN LATERAL (
                SELECT
                    coalesce(sum(moved) FILTER (WHERE kind = 'AUTHORIZATION' AND done), 0) AS a,
                    coalesce(sum(amount) FILTER (WHERE kind = 'AUTHORIZATION' AND open), 0) AS ap,
                    coalesce(sum(moved) FILTER (WHERE kind = 'CAPTURE' AND done), 0) AS c,
                    coalesce(sum(amount) FILTER (WHERE kind = 'CAPTURE' AND open), 0) AS cp,
                    coalesce(sum(moved) FILTER (WHERE kind = 'VOID' AND done), 0) AS v,
                    coalesce(sum(amount) FILTER (WHERE kind = 'VOID' AND open), 0) AS vp,
                    coalesce(sum(moved) FILTER (WHERE kind = 'REFUND' AND done), 0) AS r,
                    coalesce(sum(amount) FILTER (WHERE kind = 'REFUND' AND open), 0) AS rp,
                    coalesce(sum(moved) FILTER (WHERE kind = 'CHARGEBACK' AND done), 0) AS b
                FROM (
                    SELECT kind, amount, moved, state = 'SUCCEEDED' AS done,
                        state IN ('REQUESTED', 'UNKNOWN') AS open
                    FROM payment_transactions WHERE payment_id = payments.id
                ) AS each
            ) AS sums ON true
            WHERE (authorized, authorized_pending, captured, captured_pending, voided,
                voided_pending, refunded, refunded_pending, charged_back) IS DISTINCT FROM
                (sums.a, sums.ap, sums.c, sums.cp, sums.v, sums.vp, sums.r, sums.rp, sums.b)
        """,
    ),
    by_query(
        "psp-asked-again",
        "What the PSP has not answered is asked about again: never more than 60 s overdue.",
        context="payment",
        count="SELECT count(*) FROM payment_transactions WHERE state IN ('REQUESTED', 'UNKNOWN')",
        violations="""
            SELECT id::text, format('%s is %s since %s and should be asked about at %s',
                kind, state, requested_at, ask_again_at)
            FROM payment_transactions
            WHERE state IN ('REQUESTED', 'UNKNOWN')
                AND ask_again_at < clock_timestamp() - interval '60 seconds'
        """,
    ),
)
