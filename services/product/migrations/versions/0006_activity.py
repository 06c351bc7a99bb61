"""Views and sales by product and day, and in all."""

from chassis.storage.migrations import execute

revision = "0006"
down_revision = "0005"

# Rows that are added to again and again: room on their pages keeps the updates off the index.
ACTIVITY = """
CREATE TABLE product_activity (
    product_id uuid NOT NULL
        CONSTRAINT fk_product_activity_product_id_products REFERENCES products (id),
    day date NOT NULL,
    views bigint NOT NULL,
    sold bigint NOT NULL,
    CONSTRAINT pk_product_activity PRIMARY KEY (product_id, day),
    CONSTRAINT ck_product_activity_not_negative CHECK (views >= 0 AND sold >= 0)
) WITH (fillfactor = 80)
"""

# So that what a product was ever looked at costs the same to know after ten years.
TOTALS = """
CREATE TABLE product_activity_totals (
    product_id uuid
        CONSTRAINT pk_product_activity_totals PRIMARY KEY
        CONSTRAINT fk_product_activity_totals_product_id_products REFERENCES products (id),
    views bigint NOT NULL,
    sold bigint NOT NULL,
    CONSTRAINT ck_product_activity_totals_not_negative CHECK (views >= 0 AND sold >= 0)
) WITH (fillfactor = 80)
"""

# Which batches of counts are in: one that comes again is not counted again.
BATCHES = (
    """
CREATE TABLE activity_batches (
    id uuid CONSTRAINT pk_activity_batches PRIMARY KEY,
    counted_at timestamptz NOT NULL
)
""",
    "CREATE INDEX ix_activity_batches_counted_at ON activity_batches (counted_at)",
)


def upgrade() -> None:
    execute([ACTIVITY, TOTALS, *BATCHES])
