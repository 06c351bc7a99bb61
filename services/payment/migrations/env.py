"""Called by Alembic."""

from chassis.storage.migrations import run
from services.payment.adapters.tables import metadata

run(metadata)
