"""
Orders that change before anything has left.

Work of which a change left nothing has no goods, and is cancelled. An open offer knows the change
it follows: watchers compare that with what they have sent, by the index alone.
"""

from chassis.storage.migrations import execute

revision = "0003"
down_revision = "0002"

CHANGES = (
    """
ALTER TABLE fulfillment_orders
    ADD COLUMN change_number integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT ck_fulfillment_orders_closed,
    ADD CONSTRAINT ck_fulfillment_orders_closed CHECK (
        (status = 'CLOSED') = (delivered_units = ordered_units AND ordered_units > 0)),
    ADD CONSTRAINT ck_fulfillment_orders_emptied CHECK (
        ordered_units > 0 OR status = 'CANCELLED')
""",
    "ALTER TABLE offers ADD COLUMN change_number integer NOT NULL DEFAULT 0",
    "DROP INDEX ix_offers_open",
    """
CREATE INDEX ix_offers_open ON offers (provider_id, id) INCLUDE (change_number)
    WHERE state = 'SUBMITTED'
""",
)


def upgrade() -> None:
    execute(CHANGES)
