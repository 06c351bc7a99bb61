"""The tables of the payment service."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from chassis.storage.database import metadata as new_metadata

metadata = new_metadata()

PAYMENTS = Table(
    "payments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("trace", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("psp_token", Text),
    Column("merchant", Text, nullable=False),
    Column("psp_account", Text, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("expired", Boolean, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    # When it has to be closed: while something is left of what is set aside.
    Column("close_at", DateTime(timezone=True)),
    Column("authorized", BigInteger, nullable=False),
    Column("authorized_pending", BigInteger, nullable=False),
    Column("captured", BigInteger, nullable=False),
    Column("captured_pending", BigInteger, nullable=False),
    Column("voided", BigInteger, nullable=False),
    Column("voided_pending", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("refunded_pending", BigInteger, nullable=False),
    Column("charged_back", BigInteger, nullable=False),
    # What is pending is held within the limits by the domain: the PSP may move another amount
    # than it was asked for, and take from another's share.
    CheckConstraint("captured + voided <= authorized", name="within_authorization"),
    CheckConstraint("refunded <= captured", name="within_captured"),
    CheckConstraint(
        "least(authorized, authorized_pending, captured, captured_pending, voided,"
        " voided_pending, refunded, refunded_pending, charged_back) >= 0",
        name="not_negative",
    ),
    Index("ix_payments_close_at", "close_at", postgresql_where=text("close_at IS NOT NULL")),
)

PAYMENT_TRANSACTIONS = Table(
    "payment_transactions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("shipping", BigInteger, nullable=False),
    Column("moved", BigInteger),
    Column("request_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("psp_reference", Text, nullable=False),
    Column("failure", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("ask_again_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("amount > 0 AND shipping BETWEEN 0 AND amount", name="amount"),
    CheckConstraint(
        "kind IN ('AUTHORIZATION', 'CAPTURE', 'VOID', 'REFUND', 'CHARGEBACK')", name="kind"
    ),
    CheckConstraint("state IN ('REQUESTED', 'SUCCEEDED', 'FAILED', 'UNKNOWN')", name="state"),
    CheckConstraint(
        "kind = 'AUTHORIZATION' OR (kind = 'VOID') = (request_id = '')", name="request_id"
    ),
    CheckConstraint("coalesce(moved > 0, state <> 'SUCCEEDED')", name="moved"),
    Index(
        "ix_payment_transactions_psp_reference",
        "psp_reference",
        postgresql_where=text("kind = 'AUTHORIZATION' AND request_id = '' AND psp_reference <> ''"),
    ),
    Index(
        "ix_payment_transactions_open",
        "ask_again_at",
        postgresql_where=text("state IN ('REQUESTED', 'UNKNOWN')"),
    ),
)

# The ledger's tables are written by `book_entries` alone, which is made in migration 0005.
LEDGER_ENTRIES = Table(
    "ledger_entries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("merchant", Text, nullable=False),
    Column("payment_id", Uuid, index=True),
    Column("cause_id", Uuid, nullable=False),
    # Whatever goes wrong above, one cause is booked once.
    UniqueConstraint("cause_id", "kind"),
)

# What an account holds is the sum, over its shards, of the balance that the last posting left.
# Sharded, so that captures do not wait for each other.
LEDGER_POSTINGS = Table(
    "ledger_postings",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("merchant", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("booked_at", DateTime(timezone=True), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    CheckConstraint("amount <> 0", name="amount"),
    Index(
        "ix_ledger_postings_account",
        *("merchant", "account", "currency", "shard", "booked_at", "line"),
        unique=True,
    ),
)

# Which accounts there are, and on which shards.
LEDGER_ACCOUNTS = Table(
    "ledger_accounts",
    metadata,
    Column("merchant", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True),
    CheckConstraint(
        "account IN ('customer_receivable', 'psp_clearing', 'sales', 'shipping_income', 'refunds',"
        " 'chargebacks', 'psp_fees', 'bank', 'suspense')",
        name="account",
    ),
)
