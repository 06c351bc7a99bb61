"""The tables of reconciliation."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.payment.adapters.tables import metadata

# What reads and writes them by rows; their indexes and checks are in the migration.
SETTLEMENT_REPORTS = Table(
    "settlement_reports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("psp_account", Text, nullable=False),
    Column("report_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("begins_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True)),
    Column("step", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("cursor", Uuid, nullable=False),
    Column("matched", Integer, nullable=False),
    Column("fees", JSONB, nullable=False),
    Column("reconciled_at", DateTime(timezone=True)),
)

SETTLEMENT_ROWS = Table(
    "settlement_rows",
    metadata,
    Column("report", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("psp_account", Text, nullable=False),
    Column("row_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("transaction_id", Uuid),
    Column("currency", Text, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("fee", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text),
    Column("movement_id", Uuid),
    Column("movement", Text),
)

SETTLEMENT_DIFFERENCES = Table(
    "settlement_differences",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("report", Uuid, nullable=False),
    Column("psp_account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("position", Integer),
    Column("transaction_id", Uuid),
    Column("movement", Text),
    Column("payment_id", Uuid),
    Column("merchant", Text, nullable=False),
    Column("currency", Text),
    Column("expected", BigInteger),
    Column("proposal", Text, nullable=False),
    Column("correction", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolve_reason", Text, nullable=False),
)
