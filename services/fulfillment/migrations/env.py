"""Run the migrations of the fulfillment service."""

from chassis.storage.migrations import run
from services.fulfillment.adapters.tables import metadata

run(metadata)
