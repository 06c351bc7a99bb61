"""Orders with lines, parcels and timeline; the chassis' own tables."""

from chassis.events.inbox import INBOX_1
from chassis.events.outbox import OUTBOX_1
from chassis.saga.store import SAGAS_1
from chassis.storage.idempotency import IDEMPOTENCY_1
from chassis.storage.migrations import execute

revision = "0001"
down_revision = None

ORDERS = """
CREATE TABLE orders (
    id uuid CONSTRAINT pk_orders PRIMARY KEY,
    version integer NOT NULL,
    event_count bigint NOT NULL,
    trace text NOT NULL,
    account_id text NOT NULL,
    channel text NOT NULL,
    status text NOT NULL,
    payment_status text NOT NULL,
    fulfillment_status text NOT NULL,
    reason text NOT NULL,
    reference text NOT NULL,
    currency text NOT NULL,
    items_total bigint NOT NULL,
    shipping bigint NOT NULL,
    discount bigint NOT NULL,
    grand_total bigint NOT NULL,
    psp_token text NOT NULL,
    ship_to jsonb NOT NULL,
    allocations jsonb NOT NULL,
    unfulfillable jsonb NOT NULL,
    news_count integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT ck_orders_total
        CHECK (grand_total = items_total + shipping - discount AND grand_total > 0)
) WITH (fillfactor = 60)
"""

LINES = """
CREATE TABLE order_lines (
    order_id uuid NOT NULL,
    number integer NOT NULL,
    sku text NOT NULL,
    title text NOT NULL,
    quantity bigint NOT NULL,
    unit_price bigint NOT NULL,
    CONSTRAINT pk_order_lines PRIMARY KEY (order_id, number),
    CONSTRAINT ck_order_lines_positive CHECK (quantity > 0 AND unit_price >= 0)
)
"""

SHIPMENTS = """
CREATE TABLE order_shipments (
    order_id uuid NOT NULL,
    id uuid NOT NULL,
    location_id text NOT NULL,
    goods jsonb NOT NULL,
    value bigint NOT NULL,
    shipping bigint NOT NULL,
    captured boolean NOT NULL,
    dispatched_at timestamptz NOT NULL,
    delivered_at timestamptz,
    CONSTRAINT pk_order_shipments PRIMARY KEY (order_id, id),
    CONSTRAINT ck_order_shipments_value CHECK (value >= shipping AND shipping >= 0)
)
"""

TIMELINE = """
CREATE TABLE order_timeline (
    order_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    what text NOT NULL,
    cause text NOT NULL,
    trace_id text NOT NULL,
    CONSTRAINT pk_order_timeline PRIMARY KEY (order_id, number)
)
"""


def upgrade() -> None:
    execute([ORDERS, "CREATE INDEX ix_orders_account_id ON orders (account_id, id DESC)"])
    execute([LINES, SHIPMENTS, TIMELINE])
    execute([*OUTBOX_1, *INBOX_1, *SAGAS_1, IDEMPOTENCY_1])
