"""Locations: those that have stock are there from the start."""

from chassis.storage.migrations import execute

revision = "0004"
down_revision = "0007"

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


def upgrade() -> None:
    execute([LOCATIONS, THOSE_WITH_STOCK])
