"""The tables of what the PSP tells of its own accord."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from services.payment.adapters.tables import metadata

# What is here was heard: the table against replays, too.
PSP_EVENTS = Table(
    "psp_events",
    metadata,
    Column("account", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("payload", Text),
    Column("state", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("reason", Text, nullable=False, server_default=text("''")),
    CheckConstraint("state IN ('RECEIVED', 'DONE', 'FAILED')", name="state"),
    CheckConstraint("(payload IS NULL) = (state = 'DONE')", name="payload"),
    Index("ix_psp_events_waiting", "due_at", postgresql_where=text("state = 'RECEIVED'")),
    Index("ix_psp_events_done", "received_at", postgresql_where=text("state = 'DONE'")),
    Index("ix_psp_events_failed", "received_at", postgresql_where=text("state = 'FAILED'")),
)

CHARGEBACKS = Table(
    "chargebacks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False, index=True),
    Column("merchant", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("evidence_due_at", DateTime(timezone=True)),
    Column("evidence", Text),
    Column("tracking_number", Text),
    Column("fingerprint", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True)),
    Column("submitted_at", DateTime(timezone=True)),
    # How the worker goes about it; not the chargeback's affair.
    Column("ask_again_at", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("warned_at", DateTime(timezone=True)),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("state IN ('NEEDS_RESPONSE', 'UNDER_REVIEW', 'WON', 'LOST')", name="state"),
    Index(
        "ix_chargebacks_open",
        text("coalesce(evidence_due_at, 'infinity')"),
        "id",
        postgresql_where=text("state IN ('NEEDS_RESPONSE', 'UNDER_REVIEW')"),
    ),
    Index("ix_chargebacks_state", "state", text("coalesce(evidence_due_at, 'infinity')"), "id"),
    Index(
        "ix_chargebacks_unsubmitted", "ask_again_at", postgresql_where=text("evidence IS NOT NULL")
    ),
    Index(
        "ix_chargebacks_unwarned",
        "evidence_due_at",
        postgresql_where=text("state = 'NEEDS_RESPONSE' AND warned_at IS NULL"),
    ),
)
