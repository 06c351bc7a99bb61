"""
Published events in a table a day.

It moves what was published in one go and changes the outbox under running relays: stop the service
for it.
"""

from chassis.events.record import RECORD_1
from chassis.storage.migrations import execute

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute(RECORD_1)
