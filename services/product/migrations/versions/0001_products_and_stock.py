"""Products and their variants, stock and its journal, reservations."""

from chassis.events.outbox import OUTBOX_1
from chassis.storage.idempotency import IDEMPOTENCY_1
from chassis.storage.migrations import execute

revision = "0001"
down_revision = None

PRODUCTS = """
CREATE TABLE products (
    id uuid CONSTRAINT pk_products PRIMARY KEY,
    version integer NOT NULL,
    event_count bigint NOT NULL,
    trace text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    state text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT ck_products_state CHECK (state IN ('DRAFT', 'ACTIVE', 'ARCHIVED'))
)
"""

VARIANTS = """
CREATE TABLE variants (
    sku text CONSTRAINT pk_variants PRIMARY KEY,
    product_id uuid NOT NULL
        CONSTRAINT fk_variants_product_id_products REFERENCES products (id),
    position integer NOT NULL,
    price_minor_units bigint NOT NULL,
    price_currency text NOT NULL,
    gtin text NOT NULL,
    weight_grams integer NOT NULL,
    attributes jsonb NOT NULL,
    CONSTRAINT uq_variants_product_id UNIQUE (product_id, position),
    CONSTRAINT ck_variants_price CHECK (price_minor_units > 0)
)
"""

# The rows that everybody wants: room on their pages keeps their updates off the indexes. The
# checks are the last line of defence; the aggregates keep to them, and a bug meets a wall.
STOCK_ITEMS = """
CREATE TABLE stock_items (
    id uuid CONSTRAINT pk_stock_items PRIMARY KEY,
    version integer NOT NULL,
    event_count bigint NOT NULL,
    trace text NOT NULL,
    sku text NOT NULL,
    location_id text NOT NULL,
    on_hand bigint NOT NULL,
    held bigint NOT NULL,
    allocated bigint NOT NULL,
    damaged bigint NOT NULL,
    CONSTRAINT uq_stock_items_sku UNIQUE (sku, location_id),
    CONSTRAINT ck_stock_items_not_negative
        CHECK (on_hand >= 0 AND held >= 0 AND allocated >= 0 AND damaged >= 0),
    CONSTRAINT ck_stock_items_not_oversold CHECK (on_hand - held - allocated - damaged >= 0)
) WITH (fillfactor = 50)
"""

# Each count of a stock item is the sum of its deltas here, always.
STOCK_MOVEMENTS = """
CREATE TABLE stock_movements (
    position bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_stock_movements PRIMARY KEY,
    sku text NOT NULL,
    location_id text NOT NULL,
    kind text NOT NULL,
    delta_on_hand bigint NOT NULL,
    delta_held bigint NOT NULL,
    delta_allocated bigint NOT NULL,
    delta_damaged bigint NOT NULL,
    cause_type text NOT NULL,
    cause_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL
)
"""

# A journal that can be rewritten proves nothing. (TRUNCATE is never granted.)
JOURNAL_IS_FINAL = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'retail_product') THEN
        REVOKE UPDATE, DELETE ON stock_movements FROM retail_product;
    END IF;
END
$$
"""

RESERVATIONS = (
    """
CREATE TABLE reservations (
    id uuid CONSTRAINT pk_reservations PRIMARY KEY,
    version integer NOT NULL,
    event_count bigint NOT NULL,
    trace text NOT NULL,
    state text NOT NULL,
    expires_at timestamptz,
    CONSTRAINT ck_reservations_state
        CHECK (state IN ('HELD', 'CONFIRMED', 'CONSUMED', 'RELEASED', 'EXPIRED')),
    CONSTRAINT ck_reservations_expires_at CHECK (expires_at IS NOT NULL OR state = 'RELEASED')
) WITH (fillfactor = 80)
""",
    "CREATE INDEX ix_reservations_held ON reservations (expires_at) WHERE state = 'HELD'",
)

RESERVATION_ALLOCATIONS = """
CREATE TABLE reservation_allocations (
    reservation_id uuid NOT NULL
        CONSTRAINT fk_reservation_allocations_reservation_id_reservations
        REFERENCES reservations (id),
    sku text NOT NULL,
    location_id text NOT NULL,
    quantity bigint NOT NULL,
    shipped bigint NOT NULL,
    CONSTRAINT pk_reservation_allocations PRIMARY KEY (reservation_id, sku, location_id),
    CONSTRAINT ck_reservation_allocations_shipped
        CHECK (quantity > 0 AND shipped >= 0 AND shipped <= quantity)
) WITH (fillfactor = 80)
"""

RESERVATION_SHIPMENTS = """
CREATE TABLE reservation_shipments (
    reservation_id uuid NOT NULL
        CONSTRAINT fk_reservation_shipments_reservation_id_reservations
        REFERENCES reservations (id),
    shipment_id uuid NOT NULL,
    location_id text NOT NULL,
    lines jsonb NOT NULL,
    CONSTRAINT pk_reservation_shipments PRIMARY KEY (reservation_id, shipment_id)
)
"""


def upgrade() -> None:
    execute([PRODUCTS, VARIANTS])
    execute([STOCK_ITEMS, STOCK_MOVEMENTS, JOURNAL_IS_FINAL])
    execute([*RESERVATIONS, RESERVATION_ALLOCATIONS, RESERVATION_SHIPMENTS])
    execute([*OUTBOX_1, IDEMPOTENCY_1])
