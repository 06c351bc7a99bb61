"""What the PSP settled and what waits in clearing explain each other."""

from deploy.local.invariants.invariant import Invariant, by_query

INVARIANTS: tuple[Invariant, ...] = (
    by_query(
        "clearing-explained",
        "What is in clearing is what no report had so far, or what differs and was not corrected.",
        context="payment",
        count="SELECT count(*) FROM settlement_rows",
        violations="""
            SELECT merchant || ' ' || currency,
                format('%s is in clearing, of which %s is explained', held, explained)
            FROM (
                SELECT merchant, currency, sum(amount) AS held,
                    coalesce(sum(amount) FILTER (
                        WHERE kind NOT IN ('SETTLEMENT', 'CORRECTION')
                        AND NOT EXISTS (
                            SELECT FROM settlement_rows
                            WHERE movement_id = cause_id AND movement = kind
                                AND outcome = 'MATCHED'
                        )
                        AND NOT EXISTS (
                            SELECT FROM settlement_differences AS corrected
                            WHERE transaction_id = cause_id AND movement = entry.kind
                                AND state = 'CORRECTED'
                                AND correction @> '[["psp_clearing"]]'
                        )
                    ), 0) AS explained
                FROM ledger_postings AS posting
                JOIN (SELECT id, kind, cause_id FROM ledger_entries) AS entry ON id = entry_id
                WHERE account = 'psp_clearing' GROUP BY merchant, currency
            ) AS clearing
            WHERE held <> explained
        """,
    ),
    by_query(
        "settlements-booked",
        "What agrees is booked as it was settled, once: what came to the bank, and the PSP's fees.",
        context="payment",
        count="SELECT count(*) FROM settlement_rows WHERE outcome = 'MATCHED'",
        violations="""
            SELECT currency,
                format('%s and %s of fees were settled, %s and %s are booked',
                    settled.net, settled.fees, booked.net, booked.fees)
            FROM (
                SELECT currency,
                    sum(CASE WHEN kind = 'PAYOUT' THEN net - gross ELSE net END) AS net,
                    sum(CASE WHEN kind = 'FEE' THEN fee - gross ELSE fee END) AS fees
                FROM settlement_rows WHERE outcome = 'MATCHED' GROUP BY currency
            ) AS settled FULL JOIN (
                SELECT currency, sum(amount) FILTER (WHERE account = 'bank') AS net,
                    sum(amount) FILTER (WHERE account = 'psp_fees') AS fees
                FROM ledger_postings JOIN ledger_entries ON id = entry_id
                WHERE kind = 'SETTLEMENT' GROUP BY currency
            ) AS booked USING (currency)
            WHERE (coalesce(settled.net, 0), coalesce(settled.fees, 0)) <>
                (coalesce(booked.net, 0), coalesce(booked.fees, 0))
        """,
    ),
    by_query(
        "corrections-booked",
        "Every difference that was corrected is booked once, as proposed; no other is.",
        context="payment",
        count="SELECT count(*) FROM settlement_differences",
        violations="""
            SELECT coalesce(proposed.id, booked.cause_id)::text,
                format('%s should be booked, %s is', proposed.lines, booked.lines)
            FROM (
                SELECT id, array_agg(format('%s %s %s', line ->> 0, line ->> 1, line ->> 2)
                    ORDER BY line ->> 0, line ->> 2) AS lines
                FROM settlement_differences, jsonb_array_elements(correction) AS line
                WHERE state = 'CORRECTED' GROUP BY id
            ) AS proposed FULL JOIN (
                SELECT cause_id, array_agg(format('%s %s %s', account, amount, currency)
                    ORDER BY account, currency) AS lines
                FROM ledger_entries AS entry JOIN ledger_postings ON entry_id = entry.id
                WHERE kind = 'CORRECTION' GROUP BY cause_id
            ) AS booked ON proposed.id = booked.cause_id
            WHERE proposed.lines IS DISTINCT FROM booked.lines
        """,
    ),
    by_query(
        "rows-seen-to",
        "Of a report that is reconciled every row agrees, or has a difference.",
        context="payment",
        count="""
            SELECT count(*) FROM settlement_rows JOIN settlement_reports ON id = report
            WHERE state = 'RECONCILED'
        """,
        violations="""
            SELECT row_id, format('row %s of report %s is %s and has no difference',
                row.position, report_id, coalesce(outcome, 'forgotten'))
            FROM settlement_reports AS reconciled JOIN settlement_rows AS row
                ON reconciled.id = row.report
            WHERE reconciled.state = 'RECONCILED' AND outcome IS DISTINCT FROM 'MATCHED'
                AND NOT EXISTS (
                    SELECT FROM settlement_differences AS difference
                    WHERE difference.report = row.report AND difference.position = row.position
                )
        """,
    ),
)
