"""
Providers with terms, working hours and days that fill; offers that say why they were made;
promises.

Safe under a running service: what is added has defaults, which are true of what was there before.
"""

from chassis.storage.migrations import execute

revision = "0004"
down_revision = "0003"

PROVIDERS = """
ALTER TABLE providers
    ADD COLUMN suspension_reason text NOT NULL DEFAULT '',
    ADD COLUMN terms jsonb NOT NULL DEFAULT '[["STANDARD", null, null, 1, 5]]',
    ADD COLUMN daily_capacity integer NOT NULL DEFAULT 0,
    ADD COLUMN hours jsonb NOT NULL DEFAULT
        '{"time_zone": "UTC", "weekdays": [1, 2, 3, 4, 5], "cutoff": "16:00", "holidays": []}'
"""

# Updated in place, again and again, and always found by its key.
PROVIDER_DAYS = """
CREATE TABLE provider_days (
    provider_id text NOT NULL,
    day date NOT NULL,
    taken integer NOT NULL,
    accepted integer NOT NULL,
    rejected integer NOT NULL,
    expired integer NOT NULL,
    parcels integer NOT NULL,
    on_time integer NOT NULL,
    lost integer NOT NULL,
    damaged integer NOT NULL,
    CONSTRAINT pk_provider_days PRIMARY KEY (provider_id, day),
    CONSTRAINT ck_provider_days_taken CHECK (taken >= 0),
    CONSTRAINT ck_provider_days_parcels CHECK (on_time + lost <= parcels)
) WITH (fillfactor = 50)
"""

OFFERS = """
ALTER TABLE offers
    ADD COLUMN day date,
    ADD COLUMN ranking jsonb NOT NULL DEFAULT '[]'
"""

FULFILLMENT_ORDERS = """
ALTER TABLE fulfillment_orders
    ADD COLUMN service_level text NOT NULL DEFAULT 'STANDARD',
    ADD COLUMN first_day date,
    ADD COLUMN last_day date,
    ADD COLUMN promise_time_zone text,
    ADD COLUMN promise_state text,
    ADD CONSTRAINT ck_fulfillment_orders_promise CHECK (
        num_nulls(first_day, last_day, promise_time_zone, promise_state) IN (0, 4)
        AND first_day <= last_day),
    ADD CONSTRAINT ck_fulfillment_orders_promise_state CHECK (
        promise_state IN ('OPEN', 'KEPT', 'BROKEN'))
"""


def upgrade() -> None:
    execute([PROVIDERS, PROVIDER_DAYS, OFFERS, FULFILLMENT_ORDERS])
