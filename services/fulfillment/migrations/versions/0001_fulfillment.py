"""Providers, fulfillment orders with their offers and shipments, outbox and inbox."""

from chassis.events.inbox import INBOX_1
from chassis.events.outbox import OUTBOX_1
from chassis.storage.migrations import execute

revision = "0001"
down_revision = None

PROVIDERS = """
CREATE TABLE providers (
    id text CONSTRAINT pk_providers PRIMARY KEY,
    name text NOT NULL,
    regions text[] NOT NULL,
    rank integer NOT NULL,
    suspended boolean NOT NULL
)
"""

INTAKE = """
CREATE TABLE intake (
    order_id uuid CONSTRAINT pk_intake PRIMARY KEY,
    opened boolean NOT NULL
)
"""

# The checks are the last line of defence: they hold whatever the code does.
FULFILLMENT_ORDERS = (
    """
CREATE TABLE fulfillment_orders (
    id uuid CONSTRAINT pk_fulfillment_orders PRIMARY KEY,
    version integer NOT NULL,
    event_count bigint NOT NULL,
    trace text NOT NULL,
    order_id uuid NOT NULL,
    location_id text NOT NULL,
    goods jsonb NOT NULL,
    ship_to jsonb NOT NULL,
    status text NOT NULL,
    request_status text NOT NULL,
    ordered_units bigint NOT NULL,
    dispatched_units bigint NOT NULL,
    delivered_units bigint NOT NULL,
    CONSTRAINT uq_fulfillment_orders_order_id UNIQUE (order_id, location_id),
    CONSTRAINT ck_fulfillment_orders_status CHECK (
        status IN ('OPEN', 'IN_PROGRESS', 'CLOSED', 'CANCELLED', 'UNFULFILLABLE')),
    CONSTRAINT ck_fulfillment_orders_request_status CHECK (
        request_status IN ('UNSUBMITTED', 'SUBMITTED', 'ACCEPTED', 'REJECTED',
            'CANCELLATION_REQUESTED', 'CANCELLATION_ACCEPTED', 'CANCELLATION_REJECTED')),
    CONSTRAINT ck_fulfillment_orders_dispatched CHECK (
        0 <= delivered_units AND delivered_units <= dispatched_units
        AND dispatched_units <= ordered_units),
    CONSTRAINT ck_fulfillment_orders_dispatched_by_a_provider CHECK (
        dispatched_units = 0 OR status IN ('IN_PROGRESS', 'CLOSED')),
    CONSTRAINT ck_fulfillment_orders_closed CHECK (
        (status = 'CLOSED') = (delivered_units = ordered_units))
)
""",
)

OFFERS = (
    """
CREATE TABLE offers (
    id uuid CONSTRAINT pk_offers PRIMARY KEY,
    fulfillment_order_id uuid NOT NULL
        CONSTRAINT fk_offers_fulfillment_order_id_fulfillment_orders
        REFERENCES fulfillment_orders (id),
    provider_id text NOT NULL,
    state text NOT NULL,
    expires_at timestamptz NOT NULL,
    reason text NOT NULL,
    CONSTRAINT uq_offers_fulfillment_order_id UNIQUE (fulfillment_order_id, provider_id),
    CONSTRAINT ck_offers_state CHECK (
        state IN ('SUBMITTED', 'ACCEPTED', 'REJECTED', 'EXPIRED', 'WITHDRAWN'))
)
""",
    # One provider at a time.
    """
CREATE UNIQUE INDEX uq_offers_live ON offers (fulfillment_order_id)
    WHERE state IN ('SUBMITTED', 'ACCEPTED')
""",
    # These two hold open offers only: what they cost does not grow with history.
    "CREATE INDEX ix_offers_open ON offers (provider_id, id) WHERE state = 'SUBMITTED'",
    "CREATE INDEX ix_offers_due ON offers (expires_at) WHERE state = 'SUBMITTED'",
)

SHIPMENTS = (
    """
CREATE TABLE shipments (
    id uuid CONSTRAINT pk_shipments PRIMARY KEY,
    fulfillment_order_id uuid NOT NULL
        CONSTRAINT fk_shipments_fulfillment_order_id_fulfillment_orders
        REFERENCES fulfillment_orders (id),
    number integer NOT NULL,
    state text NOT NULL,
    goods jsonb NOT NULL,
    tracking_number text NOT NULL,
    dispatched_at timestamptz NOT NULL,
    delivered_at timestamptz,
    CONSTRAINT uq_shipments_fulfillment_order_id UNIQUE (fulfillment_order_id, number),
    CONSTRAINT ck_shipments_state CHECK (state IN ('PENDING', 'PACKED', 'DISPATCHED',
        'DELIVERED', 'LOST', 'RETURNED_TO_SENDER')),
    CONSTRAINT ck_shipments_delivered CHECK ((state = 'DELIVERED') = (delivered_at IS NOT NULL))
)
""",
)


def upgrade() -> None:
    execute((PROVIDERS, INTAKE, *FULFILLMENT_ORDERS, *OFFERS, *SHIPMENTS))
    execute((*OUTBOX_1, *INBOX_1))
