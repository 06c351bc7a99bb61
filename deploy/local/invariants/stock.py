"""Stock is conserved, and what is promised of it adds up."""

from deploy.local.invariants.invariant import Invariant, by_query

INVARIANTS: tuple[Invariant, ...] = (
    by_query(
        "stock-conserved",
        "The sums of the journal equal the columns of every stock item.",
        context="product",
        count="SELECT count(*) FROM stock_items",
        violations="""
            SELECT sku || ' at ' || location_id,
                format('on hand, held, allocated, damaged are %s, %s, %s, %s; the journal says'
                    ' %s, %s, %s, %s', item.on_hand, item.held, item.allocated, item.damaged,
                    journal.on_hand, journal.held, journal.allocated, journal.damaged)
            FROM stock_items AS item FULL JOIN (
                SELECT sku, location_id, sum(delta_on_hand) AS on_hand, sum(delta_held) AS held,
                    sum(delta_allocated) AS allocated, sum(delta_damaged) AS damaged
                FROM stock_movements GROUP BY sku, location_id
            ) AS journal USING (sku, location_id)
            WHERE (item.on_hand, item.held, item.allocated, item.damaged) IS DISTINCT FROM
                (coalesce(journal.on_hand, 0), coalesce(journal.held, 0),
                 coalesce(journal.allocated, 0), coalesce(journal.damaged, 0))
        """,
    ),
    by_query(
        "stock-not-negative",
        "Nothing is negative, and no more is promised than is there.",
        context="product",
        count="SELECT count(*) FROM stock_items",
        violations="""
            SELECT sku || ' at ' || location_id,
                format('on hand %s, held %s, allocated %s, damaged %s',
                    on_hand, held, allocated, damaged)
            FROM stock_items
            WHERE least(on_hand, held, allocated, damaged) < 0
                OR on_hand - held - allocated - damaged < 0
        """,
    ),
    by_query(
        "stock-claims",
        "What is held and allocated is what open reservations say, place by place.",
        context="product",
        count="SELECT count(*) FROM reservations WHERE state IN ('HELD', 'CONFIRMED')",
        violations="""
            SELECT sku || ' at ' || location_id,
                format('held %s and allocated %s; reservations say %s and %s',
                    item.held, item.allocated, claims.held, claims.allocated)
            FROM stock_items AS item FULL JOIN (
                SELECT sku, location_id,
                    coalesce(sum(quantity - shipped) FILTER (WHERE state = 'HELD'), 0) AS held,
                    coalesce(sum(quantity - shipped) FILTER (WHERE state = 'CONFIRMED'), 0)
                        AS allocated
                FROM reservation_allocations JOIN reservations ON id = reservation_id
                WHERE state IN ('HELD', 'CONFIRMED') GROUP BY sku, location_id
            ) AS claims USING (sku, location_id)
            WHERE (item.held, item.allocated) IS DISTINCT FROM
                (coalesce(claims.held, 0), coalesce(claims.allocated, 0))
        """,
    ),
    by_query(
        "stock-shipped-once",
        "The journal books each shipment out once, unit by unit as the reservation has it.",
        context="product",
        count="SELECT count(*) FROM reservation_shipments",
        violations="""
            SELECT shipment_id || ' ' || sku || ' at ' || location_id,
                format('the reservation shipped %s, the journal %s', said.units, booked.units)
            FROM (
                SELECT shipment_id, key AS sku, location_id, sum(value::bigint) AS units
                FROM reservation_shipments, jsonb_each_text(lines) GROUP BY 1, 2, 3
            ) AS said FULL JOIN (
                SELECT cause_id AS shipment_id, sku, location_id,
                    -sum(delta_on_hand) AS units, -sum(delta_allocated) AS allocated
                FROM stock_movements WHERE kind = 'SHIPPED' GROUP BY 1, 2, 3
            ) AS booked USING (shipment_id, sku, location_id)
            WHERE said.units IS DISTINCT FROM booked.units
                OR booked.units IS DISTINCT FROM booked.allocated
        """,
    ),
    by_query(
        "stock-shipped-adds-up",
        "What a reservation counts as shipped is the sum of its shipments; CONSUMED means all.",
        context="product",
        count="SELECT count(*) FROM reservation_allocations",
        violations="""
            SELECT reservation_id || ' ' || sku || ' at ' || location_id,
                format('%s of %s count as shipped, shipments say %s, state is %s',
                    a.shipped, a.quantity, shipped.units, state)
            FROM reservation_allocations AS a JOIN reservations ON id = reservation_id
            FULL JOIN (
                SELECT reservation_id, key AS sku, location_id, sum(value::bigint) AS units
                FROM reservation_shipments, jsonb_each_text(lines) GROUP BY 1, 2, 3
            ) AS shipped USING (reservation_id, sku, location_id)
            WHERE a.shipped IS DISTINCT FROM coalesce(shipped.units, 0)
                OR (state = 'CONSUMED' AND a.shipped < a.quantity)
        """,
    ),
    by_query(
        "stock-kinds",
        "Each movement changes what its kind says, and nothing else.",
        context="product",
        count="SELECT count(*) FROM stock_movements",
        violations="""
            SELECT position::text,
                format('%s changes on hand, held, allocated, damaged by %s, %s, %s, %s', kind,
                    delta_on_hand, delta_held, delta_allocated, delta_damaged)
            FROM stock_movements
            WHERE NOT CASE kind
                WHEN 'HELD' THEN delta_on_hand = 0 AND delta_held > 0 AND delta_allocated = 0
                    AND delta_damaged = 0
                WHEN 'RELEASED' THEN delta_on_hand = 0 AND delta_held + delta_allocated < 0
                    AND greatest(delta_held, delta_allocated) = 0 AND delta_damaged = 0
                WHEN 'ALLOCATED' THEN delta_on_hand = 0 AND delta_held < 0
                    AND delta_allocated = -delta_held AND delta_damaged = 0
                WHEN 'SHIPPED' THEN delta_on_hand < 0 AND delta_allocated = delta_on_hand
                    AND delta_held = 0 AND delta_damaged = 0
                ELSE delta_held = 0 AND delta_allocated = 0 AND CASE kind
                    WHEN 'RECEIVED' THEN delta_on_hand > 0 AND delta_damaged = 0
                    WHEN 'TRANSFERRED_IN' THEN delta_on_hand > 0 AND delta_damaged = 0
                    WHEN 'TRANSFERRED_OUT' THEN delta_on_hand < 0 AND delta_damaged = 0
                    WHEN 'RETURNED' THEN delta_on_hand > 0
                        AND delta_damaged IN (0, delta_on_hand)
                    WHEN 'RETURNED_TO_SUPPLIER' THEN delta_on_hand < 0
                        AND delta_damaged IN (0, delta_on_hand)
                    WHEN 'DAMAGED' THEN delta_on_hand = 0 AND delta_damaged > 0
                    WHEN 'RESTORED' THEN delta_on_hand = 0 AND delta_damaged < 0
                    ELSE kind = 'ADJUSTED' AND (delta_on_hand, delta_damaged) <> (0, 0)
                END
            END
        """,
    ),
    by_query(
        "transfers-balance",
        "What a transfer takes from one location it brings to another.",
        context="product",
        count="SELECT count(*) FROM stock_movements WHERE cause_type = 'TRANSFER'",
        violations="""
            SELECT cause_id || ' ' || sku,
                format('%s movements change what is on hand by %s', count(*), sum(delta_on_hand))
            FROM stock_movements WHERE cause_type = 'TRANSFER' GROUP BY cause_id, sku
            HAVING sum(delta_on_hand) <> 0 OR count(*) <> 2 OR count(DISTINCT kind) <> 2
        """,
    ),
    by_query(
        "stock-somewhere",
        "The location of every stock item exists.",
        context="product",
        count="SELECT count(*) FROM stock_items",
        violations="""
            SELECT sku || ' at ' || location_id, 'there is no such location'
            FROM stock_items WHERE location_id NOT IN (SELECT id FROM locations)
        """,
    ),
    by_query(
        "reservations-whole",
        "Every allocation has its reservation; every reservation that held goods says which.",
        context="product",
        count="SELECT count(*) FROM reservations",
        violations="""
            SELECT coalesce(id, goods.reservation_id)::text,
                CASE WHEN id IS NULL THEN 'has allocations and is not there'
                    ELSE format('is %s and has no allocations', state) END
            FROM reservations FULL JOIN (
                SELECT DISTINCT reservation_id FROM reservation_allocations
            ) AS goods ON goods.reservation_id = id
            -- One that was released before it was asked for held nothing, until no time.
            WHERE id IS NULL OR (goods.reservation_id IS NULL AND expires_at IS NOT NULL)
        """,
    ),
    by_query(
        "holds-end",
        "No reservation is HELD for more than 60 s past its expiry.",
        context="product",
        count="SELECT count(*) FROM reservations WHERE state = 'HELD'",
        violations="""
            SELECT id::text, format('is HELD and expired at %s', expires_at)
            FROM reservations
            WHERE state = 'HELD' AND expires_at < clock_timestamp() - interval '60 seconds'
        """,
    ),
)
