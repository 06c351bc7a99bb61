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
        "The ledger adds up to zero for each merchant and currency, and each posting holds what"
        " its account holds after it: the sum of all until then.",
        context="payment",
        count="SELECT count(*) FROM ledger_postings",
        violations="""
            SELECT merchant || ' ' || currency,
                format('debits and credits differ by %s', sum(amount))
            FROM ledger_postings GROUP BY merchant, currency HAVING sum(amount) <> 0
            UNION ALL
            SELECT entry_id || ' ' || line, format('%s %s %s holds %s, the postings say %s',
                merchant, account, currency, balance, total)
            FROM (
                SELECT *, sum(amount) OVER (
                    PARTITION BY merchant, account, currency, shard ORDER BY booked_at, line
                ) AS total
                FROM ledger_postings
            ) AS posted
            WHERE balance <> total
            UNION ALL
            SELECT concat_ws(' ', merchant, account, currency), 'is posted to, and is no account'
            FROM (
                SELECT merchant, account, currency, shard FROM ledger_postings
                EXCEPT SELECT merchant, account, currency, shard FROM ledger_accounts
            ) AS unknown
        """,
    ),
    by_query(
        "transactions-booked-once",
        "Every capture, refund and chargeback, and each that was undone, is in its merchant's books"
        " once, with its amount; nothing else is.",
        context="payment",
        count="""
            SELECT count(*) FROM payment_transactions
            WHERE kind IN ('CAPTURE', 'REFUND', 'CHARGEBACK') AND moved IS NOT NULL
        """,
        # What comes in is a debit of clearing, and what undoes it a credit. Asked for was the
        # amount; what was moved beyond it waits in suspense.
        violations="""
            SELECT coalesce(done.cause_id, booked.cause_id) || ' ' ||
                coalesce(done.kind, booked.kind),
                format('(merchant, clearing, shipping, suspense, own account) should be %s, are %s',
                    done.lines, booked.lines)
            FROM (
                SELECT transaction.id AS cause_id, done.kind, (
                    merchant, way * moved, -way * shipping, way * (amount - moved),
                    way * (shipping - amount)
                ) AS lines
                FROM payment_transactions AS transaction JOIN payments ON payments.id = payment_id,
                    LATERAL (VALUES
                        (kind, CASE kind WHEN 'CAPTURE' THEN 1 ELSE -1 END, moved IS NOT NULL),
                        (kind || '_REVERSAL', 1, moved IS NOT NULL AND state = 'FAILED')
                    ) AS done (kind, way, is_done)
                WHERE transaction.kind IN ('CAPTURE', 'REFUND', 'CHARGEBACK') AND is_done
            ) AS done FULL JOIN (
                SELECT cause_id, kind, (
                    entry.merchant,
                    coalesce(sum(amount) FILTER (WHERE account = 'psp_clearing'), 0),
                    coalesce(sum(amount) FILTER (WHERE account = 'shipping_income'), 0),
                    coalesce(sum(amount) FILTER (WHERE account = 'suspense'), 0),
                    coalesce(sum(amount) FILTER (WHERE account = CASE split_part(kind, '_', 1)
                        WHEN 'CAPTURE' THEN 'sales' WHEN 'REFUND' THEN 'refunds'
                        ELSE 'chargebacks' END), 0)
                ) AS lines
                FROM ledger_entries AS entry JOIN ledger_postings AS posting ON entry_id = entry.id
                    AND posting.merchant = entry.merchant
                WHERE kind NOT IN ('SETTLEMENT', 'CORRECTION')
                GROUP BY entry.id
            ) AS booked USING (cause_id, kind)
            WHERE done.lines::text IS DISTINCT FROM booked.lines::text
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
    by_query(
        "webhooks-worked-off",
        "Every webhook is worked off within 60 s, waits for minutes at most and is looked at again,"
        " or has failed with a reason.",
        context="payment",
        count="SELECT count(*) FROM psp_events",
        violations="""
            SELECT account || ' ' || id, format('%s since %s, due at %s: %s',
                state, received_at, due_at, coalesce(nullif(reason, ''), 'no reason'))
            FROM psp_events
            WHERE (state = 'RECEIVED' AND greatest(received_at, due_at)
                    < clock_timestamp() - interval '60 seconds')
                OR (state = 'RECEIVED' AND due_at > clock_timestamp() + interval '10 minutes')
                OR (state = 'FAILED' AND reason = '')
        """,
    ),
    by_query(
        "chargebacks-agree",
        "What was charged back of a payment is the sum of its chargebacks that were not won.",
        context="payment",
        count="SELECT count(*) FROM chargebacks",
        violations="""
            SELECT coalesce(payments.id, payment_id)::text,
                format('%s was charged back, chargebacks say %s', charged_back, disputed)
            FROM payments FULL JOIN (
                SELECT payment_id, coalesce(sum(amount) FILTER (WHERE state <> 'WON'), 0)
                    AS disputed
                FROM chargebacks GROUP BY payment_id
            ) AS said ON payments.id = payment_id
            WHERE coalesce(charged_back, 0) <> coalesce(disputed, 0)
        """,
    ),
)
