"""Runs the migrations; alembic calls it."""

from chassis.storage.migrations import run
from services.product.adapters.tables import metadata

run(metadata)
