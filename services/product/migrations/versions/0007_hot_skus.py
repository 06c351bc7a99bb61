"""
Allocations without a foreign key.

They are written in one statement with the reservation they are part of, by the repository that
owns both, and never deleted; looking it up again for each one was a sixth of the database's work
for a reservation. `make verify` looks for orphans.
"""

from chassis.storage.migrations import execute

revision = "0007"
down_revision = "0006"

FREE = """
ALTER TABLE reservation_allocations
    DROP CONSTRAINT fk_reservation_allocations_reservation_id_reservations
"""


def upgrade() -> None:
    execute([FREE])
