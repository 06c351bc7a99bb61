"""The tables, which are made when the PSP starts and they are not there yet."""

TABLES = """
CREATE TABLE IF NOT EXISTS payments (
    id text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    account text NOT NULL,
    created bigint NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    status text NOT NULL,
    payment_method text NOT NULL,
    metadata jsonb NOT NULL,
    description text NOT NULL,
    captured bigint NOT NULL CHECK (captured >= 0),
    released bigint NOT NULL CHECK (released >= 0),
    refunded bigint NOT NULL CHECK (refunded >= 0),
    disputed bigint NOT NULL CHECK (disputed >= 0),
    captures bigint NOT NULL,
    increments bigint NOT NULL,
    multicapture boolean NOT NULL,
    incremental boolean NOT NULL,
    disputed_when_captured boolean NOT NULL,
    failure text NOT NULL,
    cancellation_reason text NOT NULL,
    canceled_at bigint,
    expires_at bigint,
    movement_id text NOT NULL,
    CHECK (captured + released <= amount),
    CHECK (refunded + disputed <= captured)
);
CREATE INDEX IF NOT EXISTS payments_listed ON payments (account, created, position);
CREATE INDEX IF NOT EXISTS payments_by_reference
    ON payments ((metadata ->> 'payment_id') COLLATE "C");
CREATE INDEX IF NOT EXISTS payments_expiring ON payments (expires_at)
    WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS operations (
    id text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    account text NOT NULL,
    created bigint NOT NULL,
    payment text NOT NULL REFERENCES payments,
    kind text NOT NULL CHECK (kind IN ('authorization', 'increment', 'capture', 'release')),
    asked bigint NOT NULL,
    moved bigint NOT NULL,
    key text NOT NULL
);
CREATE INDEX IF NOT EXISTS operations_of ON operations (payment);

CREATE TABLE IF NOT EXISTS refunds (
    id text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    account text NOT NULL,
    created bigint NOT NULL,
    payment text NOT NULL REFERENCES payments,
    currency text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    status text NOT NULL,
    metadata jsonb NOT NULL,
    reason text NOT NULL,
    failure_reason text NOT NULL,
    movement_id text NOT NULL,
    failure_movement_id text NOT NULL,
    becomes text NOT NULL,
    due_at double precision
);
CREATE INDEX IF NOT EXISTS refunds_listed ON refunds (account, created, position);
CREATE INDEX IF NOT EXISTS refunds_of ON refunds (payment, position);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS disputes (
    id text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    account text NOT NULL,
    created bigint NOT NULL,
    payment text NOT NULL REFERENCES payments,
    currency text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    reason text NOT NULL,
    status text NOT NULL,
    due_by bigint NOT NULL,
    evidence jsonb NOT NULL,
    submissions bigint NOT NULL,
    metadata jsonb NOT NULL,
    movement_id text NOT NULL,
    reversal_movement_id text NOT NULL
);
CREATE INDEX IF NOT EXISTS disputes_listed ON disputes (account, created, position);
CREATE INDEX IF NOT EXISTS disputes_of ON disputes (payment, position);

CREATE TABLE IF NOT EXISTS movements (
    id text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    account text NOT NULL,
    created bigint NOT NULL,
    category text NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    fee bigint NOT NULL,
    source text NOT NULL,
    payment text NOT NULL,
    reference text NOT NULL,
    payout text NOT NULL
);
CREATE INDEX IF NOT EXISTS movements_listed ON movements (account, created, position);
CREATE INDEX IF NOT EXISTS movements_by_source ON movements (source);
CREATE INDEX IF NOT EXISTS movements_not_paid_out ON movements (account, currency)
    WHERE payout = '';
CREATE INDEX IF NOT EXISTS movements_paid_out ON movements (payout) WHERE payout <> '';

CREATE TABLE IF NOT EXISTS events (
    id text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    account text NOT NULL,
    created bigint NOT NULL,
    type text NOT NULL,
    body text NOT NULL,
    deliver_at double precision,
    attempts bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS events_listed ON events (account, created, position);
CREATE INDEX IF NOT EXISTS events_to_deliver ON events (deliver_at, position)
    WHERE deliver_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS keys (
    account text NOT NULL,
    key text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    created bigint NOT NULL,
    fingerprint text NOT NULL,
    status bigint NOT NULL,
    body text NOT NULL,
    asks bigint NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE INDEX IF NOT EXISTS keys_by_age ON keys (created);
"""
