"""The books balance, and agree with the payments and with the PSP."""

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
        "psp-agrees",
        "What we believe was set aside, taken and given back is what the PSP's records say.",
        context="payment",
        count="SELECT count(*) FROM psp.charges",
        # While something is pending, the PSP may know more than we do.
        violations="""
            SELECT coalesce(payments.id, merchant_reference)::text,
                format('we say authorized %s, captured %s, voided %s; the PSP says %s, %s, %s',
                    payments.authorized, payments.captured, payments.voided,
                    psp.authorized, psp.captured, psp.released)
            FROM payments FULL JOIN (
                SELECT merchant_reference, sum(authorized) AS authorized,
                    sum(captured) AS captured, sum(released) AS released
                FROM psp.charges GROUP BY merchant_reference
            ) AS psp ON payments.id = merchant_reference
            WHERE coalesce(authorized_pending + captured_pending + voided_pending, 0) = 0
                AND (coalesce(payments.authorized, 0), coalesce(payments.captured, 0),
                    coalesce(payments.voided, 0)) <>
                    (coalesce(psp.authorized, 0), coalesce(psp.captured, 0),
                     coalesce(psp.released, 0))
        """,
    ),
    by_query(
        "charged-once",
        "The PSP set money aside once for a payment, and took it once for a capture.",
        context="payment",
        count="SELECT count(*) FROM psp.operations",
        violations="""
            SELECT merchant_reference::text, format('was authorized %s times', count(*))
            FROM psp.charges GROUP BY merchant_reference HAVING count(*) > 1
            UNION ALL
            SELECT payment_id || ' capture ' || request_id,
                format('was captured %s times', count(*))
            FROM payment_transactions WHERE kind = 'CAPTURE' AND state = 'SUCCEEDED'
            GROUP BY payment_id, request_id HAVING count(*) > 1
            UNION ALL
            SELECT reference, format('the PSP took %s in operations that add up to %s',
                captured, taken)
            FROM psp.charges LEFT JOIN (
                SELECT charge, sum(amount) AS total FROM psp.operations
                WHERE kind = 'CAPTURE' AND failure = '' GROUP BY charge
            ) AS operations ON charge = reference,
                LATERAL (SELECT coalesce(total, 0) AS taken) AS whole
            WHERE captured <> taken
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
