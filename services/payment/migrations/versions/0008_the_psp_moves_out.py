"""
The simulated PSP keeps its records in a database of its own.
"""

from chassis.storage.migrations import execute

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    execute(("DROP SCHEMA psp CASCADE",))
