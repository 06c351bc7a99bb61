"""Locations, and a journal that people read."""

from chassis.storage.migrations import execute

revision = "0004"
down_revision = "0003"

LOCATIONS = """
CREATE TABLE locations (
    id text CONSTRAINT pk_locations PRIMARY KEY,
    version integer NOT NULL,
    name text NOT NULL,
    priority integer NOT NULL,
    state text NOT NULL,
    CONSTRAINT ck_locations_priority CHECK (priority BETWEEN 0 AND 1000),
    CONSTRAINT ck_locations_state CHECK (state IN ('OPEN', 'CLOSED'))
)
"""

THOSE_WITH_STOCK = """
INSERT INTO locations (id, version, name, priority, state)
SELECT DISTINCT location_id, 1, location_id, 0, 'OPEN' FROM stock_items
"""

WHY = """
ALTER TABLE stock_movements
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD COLUMN note text NOT NULL DEFAULT ''
"""

# A page of it is read by place, from the end: at a cost that does not grow with its length.
BY_PLACE = "CREATE INDEX ix_stock_movements_place ON stock_movements (sku, location_id, position)"


def upgrade() -> None:
    execute([LOCATIONS, THOSE_WITH_STOCK, WHY, BY_PLACE])
