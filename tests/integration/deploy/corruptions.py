"""
What may be broken on purpose: the context, the table, the change, and who has to see it.
"""

ONE_COMPLETED = "(SELECT id FROM orders WHERE status = 'COMPLETED' ORDER BY id LIMIT 1)"
ONE_CONSUMED = "(SELECT id FROM reservations WHERE state = 'CONSUMED' ORDER BY id LIMIT 1)"

# What it is, whose table is changed, how, and which invariant must see it.
CORRUPTIONS = {
    "goods appear from nowhere": (
        "product",
        "stock_items",
        "UPDATE stock_items SET on_hand = on_hand + 1"
        " WHERE id = (SELECT id FROM stock_items LIMIT 1)",
        "stock-conserved",
    ),
    "a movement is lost": (
        "product",
        "stock_movements",
        "DELETE FROM stock_movements WHERE position = (SELECT min(position) FROM stock_movements"
        " WHERE kind = 'SHIPPED')",
        "stock-shipped-once",
    ),
    "goods stay promised to nobody": (
        "product",
        "stock_items",
        "UPDATE stock_items SET held = held + 1 WHERE id = (SELECT id FROM stock_items"
        " WHERE on_hand > held + allocated LIMIT 1)",
        "stock-claims",
    ),
    "a movement does what its kind does not": (
        "product",
        "stock_movements",
        "UPDATE stock_movements SET kind = 'DAMAGED' WHERE kind = 'RECEIVED'",
        "stock-kinds",
    ),
    "a transfer arrives nowhere": (
        "product",
        "stock_movements",
        "INSERT INTO stock_movements (sku, location_id, kind, delta_on_hand, delta_held,"
        " delta_allocated, delta_damaged, cause_type, cause_id, occurred_at)"
        " SELECT sku, location_id, 'TRANSFERRED_OUT', -1, 0, 0, 0, 'TRANSFER',"
        " gen_random_uuid(), now() FROM stock_items LIMIT 1",
        "transfers-balance",
    ),
    "a location vanishes": ("product", "locations", "DELETE FROM locations", "stock-somewhere"),
    "a reservation forgets its goods": (
        "product",
        "reservation_allocations",
        "DELETE FROM reservation_allocations WHERE reservation_id = (SELECT id FROM reservations"
        " WHERE state = 'RELEASED' AND expires_at IS NOT NULL LIMIT 1)",
        "reservations-whole",
    ),
    "goods forget their reservation": (
        "product",
        "reservations",
        "DELETE FROM reservations WHERE id = (SELECT id FROM reservations"
        " WHERE state = 'RELEASED' AND expires_at IS NOT NULL LIMIT 1)",
        "reservations-whole",
    ),
    "a hold outlives its time": (
        "product",
        "reservations",
        "UPDATE reservations SET state = 'HELD', expires_at = now() - interval '5 minutes'"
        " WHERE state = 'RELEASED' AND expires_at IS NOT NULL",
        "holds-end",
    ),
    "an allocation outlives its order": (
        "product",
        "reservations",
        f"UPDATE reservations SET state = 'CONFIRMED' WHERE id = {ONE_CONSUMED}",
        "reservations-match-orders",
    ),
    "an order's goods are reserved nowhere": (
        "product",
        "reservations",
        f"DELETE FROM reservations WHERE id = {ONE_CONSUMED}",
        "reservations-match-orders",
    ),
    "a parcel is never booked out": (
        "product",
        "reservation_shipments",
        "DELETE FROM reservation_shipments WHERE shipment_id ="
        " (SELECT shipment_id FROM reservation_shipments LIMIT 1)",
        "parcels-match",
    ),
    "a posting changes": (
        "payment",
        "ledger_postings",
        "UPDATE ledger_postings SET amount = amount + 1 WHERE line = 1 AND entry_id ="
        " (SELECT entry_id FROM ledger_postings LIMIT 1)",
        "entries-balance",
    ),
    "a balance changes": (
        "payment",
        "ledger_postings",
        "UPDATE ledger_postings SET balance = balance + 100 WHERE account = 'sales'",
        "ledger-balances",
    ),
    "money wanders to another merchant": (
        "payment",
        "ledger_postings",
        "UPDATE ledger_postings SET merchant = 'other' WHERE account = 'sales'",
        "ledger-balances",
    ),
    "a settled movement is forgotten": (
        "payment",
        "settlement_rows",
        "UPDATE settlement_rows SET outcome = NULL, movement_id = NULL, movement = NULL"
        " WHERE position = 0",
        "clearing-explained",
    ),
    "a row settled something else": (
        "payment",
        "settlement_rows",
        "UPDATE settlement_rows SET net = net + 1 WHERE position = 0",
        "settlements-booked",
    ),
    "nobody booked a correction": (
        "payment",
        "settlement_differences",
        "INSERT INTO settlement_differences SELECT gen_random_uuid(), id, psp_account,"
        " 'MISSING_HERE', NULL, NULL, NULL, NULL, 'main', NULL, NULL, '',"
        ' \'[["bank", 5, "GBP"], ["suspense", -5, "GBP"]]\', now(), \'CORRECTED\', now(), \'\''
        " FROM settlement_reports",
        "corrections-booked",
    ),
    "a row that differs is not shown": (
        "payment",
        "settlement_rows",
        "UPDATE settlement_rows SET outcome = 'MISSING_HERE', movement_id = NULL, movement = NULL"
        " WHERE position = 0 AND movement_id IS NOT NULL",
        "rows-seen-to",
    ),
    "an account is struck off": (
        "payment",
        "ledger_accounts",
        "DELETE FROM ledger_accounts WHERE account = 'sales'",
        "ledger-balances",
    ),
    "a capture is in no book": (
        "payment",
        "ledger_entries",
        "DELETE FROM ledger_entries WHERE id ="
        " (SELECT id FROM ledger_entries WHERE kind = 'CAPTURE' LIMIT 1)",
        "transactions-booked-once",
    ),
    "a capture is booked as something else": (
        "payment",
        "ledger_entries",
        "UPDATE ledger_entries SET kind = 'CHARGEBACK' WHERE id ="
        " (SELECT id FROM ledger_entries WHERE kind = 'CAPTURE' LIMIT 1)",
        "transactions-booked-once",
    ),
    "a capture took more than is booked": (
        "payment",
        "payment_transactions",
        "UPDATE payment_transactions SET moved = moved + 1 WHERE kind = 'CAPTURE'",
        "transactions-booked-once",
    ),
    "a refund that came back is in no book": (
        "payment",
        "payment_transactions",
        "INSERT INTO payment_transactions SELECT (jsonb_populate_record(capture,"
        " jsonb_build_object('id', gen_random_uuid(), 'kind', 'REFUND', 'state', 'FAILED'))).*"
        " FROM payment_transactions AS capture WHERE kind = 'CAPTURE' LIMIT 1",
        "transactions-booked-once",
    ),
    "a capture is forgotten": (
        "payment",
        "payments",
        "UPDATE payments SET captured = 0 WHERE captured > 0 AND refunded = 0",
        "money-matches-goods",
    ),
    "a customer is charged twice": (
        "psp",
        "operations",
        "INSERT INTO operations (id, account, created, payment, kind, asked, moved, key)"
        " SELECT id || '-again', account, created, payment, kind, asked, moved, key"
        " FROM operations WHERE kind = 'capture' LIMIT 1",
        "charged-once",
    ),
    "an answer was lost, and the card was charged with another key": (
        "psp",
        "operations",
        "INSERT INTO operations (id, account, created, payment, kind, asked, moved, key)"
        " SELECT id || '-again', account, created, payment, kind, asked, moved, ''"
        " FROM operations WHERE kind = 'authorization' LIMIT 1",
        "charged-once",
    ),
    "the PSP took more than we know": (
        "psp",
        "payments",
        "UPDATE payments SET amount = amount + 1, captured = captured + 1 WHERE captured > 0",
        "psp-agrees",
    ),
    "a chargeback is not heard of": (
        "psp",
        "payments",
        "UPDATE payments SET disputed = captured"
        " WHERE captured > 0 AND refunded = 0 AND disputed = 0",
        "psp-agrees",
    ),
    "a webhook is left lying": (
        "payment",
        "psp_events",
        "INSERT INTO psp_events VALUES ('main', 'evt_left', 'charge.captured', '{}', 'RECEIVED',"
        " now(), now() - interval '5 minutes', now() + interval '1 day')",
        "webhooks-worked-off",
    ),
    "a webhook fails without a word": (
        "payment",
        "psp_events",
        "INSERT INTO psp_events VALUES ('main', 'evt_mute', 'charge.captured', '{}', 'FAILED',"
        " now(), now(), now())",
        "webhooks-worked-off",
    ),
    "a chargeback takes no money": (
        "payment",
        "chargebacks",
        "INSERT INTO chargebacks SELECT 'dp_1', id, 'main', 'main', 1, currency, 'fraudulent',"
        " 'LOST', now(), NULL, NULL, NULL, '', NULL, NULL FROM payments LIMIT 1",
        "chargebacks-agree",
    ),
    "an order is forgotten": (
        "order",
        "orders",
        f"UPDATE orders SET status = 'PLACED' WHERE id = {ONE_COMPLETED}",
        "orders-end",
    ),
    "a saga is left over": (
        "order",
        "sagas",
        "INSERT INTO sagas (id, step, due_at, waits_for, began_at) SELECT id, 'follow_fulfillment',"
        f" now() + interval '1 hour', 'provider', now() FROM orders WHERE id = {ONE_COMPLETED}",
        "sagas-end",
    ),
    "an order forgets a return": (
        "order",
        "order_returns",
        "INSERT INTO order_returns SELECT gen_random_uuid(), id, 'RETURN', 'REFUND', 'SETTLING',"
        f" 'main', '[]', '[]', NULL, NULL, NULL, now() FROM orders WHERE id = {ONE_COMPLETED}",
        "returns-settle",
    ),
    "a saga of a return is left over": (
        "order",
        "sagas",
        "INSERT INTO sagas (id, step, due_at, waits_for, began_at) VALUES (gen_random_uuid(),"
        " 'close_return', now() + interval '1 hour', 'a person', now())",
        "sagas-end",
    ),
    "more is paid back than was charged": (
        "order",
        "order_returns",
        "INSERT INTO order_returns SELECT gen_random_uuid(), id, 'RETURN', 'REFUND', 'SETTLED',"
        " 'main', '[]', '[]', grand_total + 1, 0, NULL, now() FROM orders"
        f" WHERE id = {ONE_COMPLETED}",
        "returns-add-up",
    ),
    "more comes back than has left": (
        "order",
        "order_returns",
        "INSERT INTO order_returns SELECT gen_random_uuid(), id, 'RETURN', 'REFUND', 'SETTLED',"
        " 'main', '[]', '[[1, 1000000]]', 0, 0, NULL, now() FROM orders"
        f" WHERE id = {ONE_COMPLETED}",
        "returns-add-up",
    ),
    "a line changes after the order": (
        "order",
        "order_lines",
        "UPDATE order_lines SET quantity = quantity + 1 WHERE number = 1",
        "orders-add-up",
    ),
    "an order answers two requests": (
        "order",
        "idempotency",
        "INSERT INTO idempotency SELECT caller, gen_random_uuid(), fingerprint, outcome_id, now()"
        " FROM idempotency LIMIT 1",
        "requests-answered-once",
    ),
    "a cart is sold, and nobody gets an order": (
        "order",
        "carts",
        "INSERT INTO carts VALUES (gen_random_uuid(), 1, 'ada', 'CHECKED_OUT', '[]',"
        " gen_random_uuid(), NULL, now(), now(), now())",
        "carts-become-orders",
    ),
    "two carts are one order": (
        "order",
        "carts",
        "INSERT INTO carts SELECT gen_random_uuid(), 1, account_id, 'CHECKED_OUT', '[]', id, NULL,"
        f" now(), now(), now() FROM orders, generate_series(1, 2) WHERE id = {ONE_COMPLETED}",
        "carts-become-orders",
    ),
    "other goods are sent": (
        "fulfillment",
        "fulfillment_orders",
        """UPDATE fulfillment_orders SET goods = '[["STONES", 1]]'""",
        "fulfillment-matches-orders",
    ),
    "a change reaches half of the work": (
        "fulfillment",
        "fulfillment_orders",
        "INSERT INTO fulfillment_orders SELECT (jsonb_populate_record(work, jsonb_build_object("
        "'id', gen_random_uuid(), 'location_id', 'elsewhere', 'change_number', 1))).*"
        " FROM fulfillment_orders AS work WHERE ordered_units > 0 LIMIT 1",
        "changes-whole",
    ),
    "a provider's day is fuller than its work": (
        "fulfillment",
        "provider_days",
        "UPDATE provider_days SET taken = taken + 1",
        "capacity-taken",
    ),
    "nobody says whether a promise was kept": (
        "fulfillment",
        "fulfillment_orders",
        "UPDATE fulfillment_orders SET promise_state = 'OPEN' WHERE status = 'CLOSED'",
        "promises-judged",
    ),
    "one unit comes back again and again": (
        "fulfillment",
        "returns",
        "INSERT INTO returns SELECT (jsonb_populate_record(back, jsonb_build_object("
        "'id', gen_random_uuid()))).* FROM returns AS back, generate_series(1, 100)"
        " WHERE kind = 'RETURN'",
        "returns-were-sent",
    ),
    "a return is not waited for": (
        "fulfillment",
        "returns",
        "UPDATE returns SET state = 'APPROVED', counted_units = 0,"
        " due_at = now() - interval '5 minutes' WHERE kind = 'RETURN' AND state = 'CLOSED'",
        "returns-end",
    ),
    "a receipt is lost": (
        "fulfillment",
        "return_receipts",
        "DELETE FROM return_receipts",
        "returns-counted",
    ),
    "nobody makes good what was lost": (
        "fulfillment",
        "returns",
        "DELETE FROM returns WHERE shipment_id IS NOT NULL",
        "gone-parcels-made-good",
    ),
    "more is paid back than was decided": (
        "payment",
        "payment_transactions",
        "UPDATE payment_transactions SET amount = amount + 1 WHERE kind = 'REFUND'",
        "returns-agree",
    ),
    "what came back is booked in nowhere": (
        "product",
        "stock_movements",
        "DELETE FROM stock_movements WHERE kind = 'RETURNED'",
        "returns-restocked",
    ),
    "what came back is booked in twice": (
        "product",
        "stock_movements",
        "INSERT INTO stock_movements OVERRIDING SYSTEM VALUE"
        " SELECT (jsonb_populate_record(back, jsonb_build_object('position', -position))).*"
        " FROM stock_movements AS back WHERE kind = 'RETURNED'",
        "returns-restocked",
    ),
    "goods are paid back too dear": (
        "order",
        "order_returns",
        "UPDATE order_returns SET refund = refund + 1 WHERE refund > 0",
        "refunds-match-goods",
    ),
    "nothing makes a return good": (
        "order",
        "order_returns",
        "UPDATE order_returns SET state = 'SETTLING'",
        "returns-settle",
    ),
    "an order has got back more than it was": (
        "order",
        "order_returns",
        "UPDATE order_returns SET refund = refund + 1000000 WHERE refund > 0",
        "returns-add-up",
    ),
    "a label is lost": (
        "fulfillment",
        "shipments",
        "INSERT INTO shipments SELECT (jsonb_populate_record(parcel, jsonb_build_object("
        "'id', gen_random_uuid(), 'number', 100, 'state', 'PACKED', 'packed_at', now(),"
        " 'dispatched_at', NULL, 'delivered_at', NULL, 'ended_at', NULL))).*"
        " FROM shipments AS parcel WHERE state = 'DELIVERED' LIMIT 1",
        "labels-made",
    ),
    "the work counts a parcel as arrived that has not": (
        "fulfillment",
        "shipments",
        "UPDATE shipments SET state = 'DISPATCHED', delivered_at = NULL WHERE state = 'DELIVERED'",
        "parcels-add-up",
    ),
    # One that is overdue would be decided at once: the service is running.
    "a cancellation is never decided": (
        "fulfillment",
        "fulfillment_orders",
        "UPDATE fulfillment_orders SET status = 'IN_PROGRESS',"
        " request_status = 'CANCELLATION_ACCEPTED', delivered_units = 0, ended_units = 0"
        " WHERE id = (SELECT id FROM fulfillment_orders WHERE status = 'CLOSED' LIMIT 1)",
        "cancellations-answered",
    ),
    "a parcel has other goods in it": (
        "fulfillment",
        "shipments",
        """UPDATE shipments SET goods = '[["STONES", 1]]'""",
        "parcels-match",
    ),
    "an event is lost from the record": (
        "payment",
        "published_events",
        "DELETE FROM published_events WHERE position ="
        " (SELECT min(position) FROM published_events)",
        "versions-without-gap",
    ),
    "the stream holds another event": (
        "fulfillment",
        "published_events",
        "UPDATE published_events SET event_id = gen_random_uuid() WHERE position ="
        " (SELECT min(position) FROM published_events)",
        "in-the-stream-once",
    ),
    "two events stand in the wrong order": (
        "order",
        "published_events",
        # Two change places: were the record longer than the stream, the stream would be mended.
        "UPDATE published_events AS event SET stream_sequence = other.stream_sequence"
        " FROM published_events AS other WHERE other.aggregate_id = event.aggregate_id"
        " AND event.aggregate_version + other.aggregate_version = 3",
        "in-order-in-the-stream",
    ),
    "the history has lost an order": (
        "order",
        "order_history",
        f"DELETE FROM order_history WHERE order_id = {ONE_COMPLETED}",
        "history-agrees",
    ),
    "the history says that an order goes on": (
        "order",
        "order_history",
        f"UPDATE order_history SET status = 'PLACED' WHERE order_id = {ONE_COMPLETED}",
        "history-agrees",
    ),
    "the history knows of a parcel less": (
        "order",
        "orders",
        "UPDATE orders SET fulfillment_status = 'PARTIALLY_FULFILLED',"
        f" updated_at = now() - interval '1 hour' WHERE id = {ONE_COMPLETED}",
        "history-agrees",
    ),
    "an order does not know that it was paid": (
        "order",
        "orders",
        "UPDATE orders SET payment_status = 'AUTHORIZED', updated_at = now() - interval '1 hour'"
        f" WHERE id = {ONE_COMPLETED}",
        "history-agrees",
    ),
    "an event was never heard": (
        "fulfillment",
        "inbox",
        "UPDATE inbox SET version = version - 1",
        "inboxes-are-complete",
    ),
    "an event was given up": (
        "order",
        "dead_letters",
        "INSERT INTO dead_letters VALUES (gen_random_uuid(), 'order-fulfillment', 'x',"
        " gen_random_uuid(), gen_random_uuid(), 1, '', 'boom', '', 8, '', now())",
        "no-dead-letters",
    ),
}
