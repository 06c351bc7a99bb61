"""
Reservations that gave back some of their goods.

What a place gave at first is kept beside what it gives now, so that who repeats the first request
is recognised; of a place that gives nothing any more the row stays.
"""

from chassis.storage.migrations import execute

revision = "0008"
down_revision = "0007"

GIVEN_BACK = """
ALTER TABLE reservation_allocations
    ADD COLUMN given_back bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT ck_reservation_allocations_shipped,
    ADD CONSTRAINT ck_reservation_allocations_shipped CHECK (
        quantity >= 0 AND given_back >= 0 AND quantity + given_back > 0
        AND shipped >= 0 AND shipped <= quantity)
"""


def upgrade() -> None:
    execute([GIVEN_BACK])
