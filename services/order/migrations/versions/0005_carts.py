"""Carts, and which requests to change them were done."""

from chassis.storage.migrations import execute

revision = "0005"
down_revision = "0004"

CARTS = """
CREATE TABLE carts (
    id uuid CONSTRAINT pk_carts PRIMARY KEY,
    version integer NOT NULL,
    account_id text,
    state text NOT NULL,
    items jsonb NOT NULL,
    order_id uuid,
    merged_into uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT ck_carts_order CHECK ((state = 'CHECKED_OUT') = (order_id IS NOT NULL)),
    CONSTRAINT ck_carts_merged CHECK ((state = 'MERGED') = (merged_into IS NOT NULL))
) WITH (fillfactor = 60)
"""

# Two simultaneous requests for an account's first cart: the second one finds the first one's.
ONE_OPEN = "CREATE UNIQUE INDEX uq_carts_open ON carts (account_id) WHERE state = 'OPEN'"

# What is due, however many others there are: an open one ends, an ended one goes. Of all states,
# so that it is the only way to find them, and `uq_carts_open` the only one to find that.
EXPIRING = "CREATE INDEX ix_carts_expires_at ON carts (expires_at)"

REQUESTS = """
CREATE TABLE cart_requests (
    caller text NOT NULL,
    request_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    outcome_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_cart_requests PRIMARY KEY (request_id, caller)
)
"""

OF_CART = "CREATE INDEX ix_cart_requests_outcome_id ON cart_requests (outcome_id)"


def upgrade() -> None:
    execute([CARTS, ONE_OPEN, EXPIRING, REQUESTS, OF_CART])
