"""Since when a saga stands where it does, and who has it under a lease."""

from chassis.saga.store import SAGAS_2
from chassis.storage.migrations import execute

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    execute([*SAGAS_2])
