"""Published events in a table a day."""

from chassis.events.record import RECORD_1
from chassis.storage.migrations import execute

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute(RECORD_1)
