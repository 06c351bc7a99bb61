"""
Parcels that are packed and labelled before they leave, and that come to other ends than arrival;
what carriers say of them.

The checks count what is packed and what has ended, which earlier code does not write: stop the
service for it.
"""

from chassis.storage.migrations import execute

revision = "0007"
down_revision = "0006"

FULFILLMENT_ORDERS = (
    """
ALTER TABLE fulfillment_orders
    ADD COLUMN packed_units bigint,
    ADD COLUMN ended_units bigint
""",
    "UPDATE fulfillment_orders SET packed_units = dispatched_units, ended_units = delivered_units",
    """
ALTER TABLE fulfillment_orders
    ALTER COLUMN packed_units SET NOT NULL,
    ALTER COLUMN ended_units SET NOT NULL,
    DROP CONSTRAINT ck_fulfillment_orders_dispatched,
    ADD CONSTRAINT ck_fulfillment_orders_dispatched CHECK (
        0 <= delivered_units AND delivered_units <= ended_units
        AND ended_units <= dispatched_units AND dispatched_units <= packed_units
        AND packed_units <= ordered_units),
    DROP CONSTRAINT ck_fulfillment_orders_dispatched_by_a_provider,
    ADD CONSTRAINT ck_fulfillment_orders_packed_by_a_provider CHECK (
        packed_units = 0 OR status IN ('IN_PROGRESS', 'CLOSED')),
    DROP CONSTRAINT ck_fulfillment_orders_closed,
    ADD CONSTRAINT ck_fulfillment_orders_closed CHECK (
        (status = 'CLOSED') = (ended_units = ordered_units AND ordered_units > 0))
""",
)

# What was sent before was told with its lines or without: a repeat may do as it likes.
SHIPMENTS = (
    """
ALTER TABLE shipments
    ADD COLUMN goods_named boolean NOT NULL DEFAULT false,
    ADD COLUMN carrier text NOT NULL DEFAULT '',
    ADD COLUMN weight_grams integer NOT NULL DEFAULT 0,
    ADD COLUMN packed_at timestamptz,
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN last_word text,
    ADD COLUMN last_word_at timestamptz,
    ADD COLUMN last_word_id text,
    ADD COLUMN end_word text,
    ADD COLUMN end_word_at timestamptz,
    ADD COLUMN end_word_id text,
    ALTER COLUMN dispatched_at DROP NOT NULL,
    ADD CONSTRAINT ck_shipments_packed CHECK (
        packed_at IS NOT NULL OR state NOT IN ('PENDING', 'PACKED')),
    ADD CONSTRAINT ck_shipments_dispatched CHECK (
        (state IN ('PENDING', 'PACKED')) = (dispatched_at IS NULL)),
    ADD CONSTRAINT ck_shipments_ended CHECK (
        (state IN ('LOST', 'RETURNED_TO_SENDER')) = (ended_at IS NOT NULL))
""",
    # Only parcels under way: what it costs to find the overdue does not grow with history.
    "CREATE INDEX ix_shipments_under_way ON shipments (dispatched_at) WHERE state = 'DISPATCHED'",
    # The last parcel of a number is found at once, however often the number was used before.
    """
CREATE INDEX ix_shipments_tracking_number
    ON shipments (tracking_number, (coalesce(packed_at, dispatched_at))) WHERE tracking_number <> ''
""",
)

LABELS = (
    """
CREATE TABLE labels (
    shipment_id uuid CONSTRAINT pk_labels PRIMARY KEY
        CONSTRAINT fk_labels_shipment_id_shipments REFERENCES shipments (id) ON DELETE CASCADE,
    due_at timestamptz NOT NULL,
    media_type text,
    content bytea,
    CONSTRAINT ck_labels_made CHECK ((media_type IS NULL) = (content IS NULL))
)
""",
    "CREATE INDEX ix_labels_due ON labels (due_at) WHERE content IS NULL",
    "CREATE SEQUENCE sscc_serials",
)

TRACKING = (
    """
CREATE TABLE tracking_events (
    shipment_id uuid NOT NULL
        CONSTRAINT fk_tracking_events_shipment_id_shipments
        REFERENCES shipments (id) ON DELETE CASCADE,
    event_id text NOT NULL,
    state text NOT NULL,
    occurred_at timestamptz NOT NULL,
    place text NOT NULL,
    description text NOT NULL,
    CONSTRAINT pk_tracking_events PRIMARY KEY (shipment_id, event_id)
)
""",
    """
CREATE INDEX ix_tracking_events_occurred
    ON tracking_events (shipment_id, occurred_at DESC, event_id DESC)
""",
)


def upgrade() -> None:
    execute([*FULFILLMENT_ORDERS, *SHIPMENTS, *LABELS, *TRACKING])
