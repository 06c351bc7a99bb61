"""Runs the migrations of the order service."""

from chassis.storage.migrations import run
from services.order.adapters.tables import metadata

run(metadata)
