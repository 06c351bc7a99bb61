"""The tables of what became of orders."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, MetaData, Table, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB


def _columns() -> list[Column[object]]:
    return [
        Column("order_id", UuidType, primary_key=True),
        Column("account_id", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("payment_status", Text, nullable=False),
        Column("fulfillment_status", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("grand_total", BigInteger, nullable=False),
        # [[sku, units], …]
        Column("goods", JSONB, nullable=False),
        # Units by location.
        Column("units_at", JSONB, nullable=False),
        Column("placed_at", DateTime(timezone=True)),
        Column("confirmed_at", DateTime(timezone=True)),
        Column("ended_at", DateTime(timezone=True)),
        Column("authorized", Boolean, nullable=False),
        Column("voided", Boolean, nullable=False),
        Column("captured", BigInteger, nullable=False),
        Column("refunded", BigInteger, nullable=False),
        Column("charged_back", BigInteger, nullable=False),
        # What each fulfillment order told, by its id.
        Column("works", JSONB, nullable=False),
        # What each return told, by its id.
        Column("returns", JSONB, nullable=False),
        Column("order_version", BigInteger, nullable=False),
        Column("payment_version", BigInteger, nullable=False),
    ]


metadata = MetaData()

order_history = Table("order_history", metadata, *_columns())

order_history_rebuild = Table(
    "order_history_rebuild",
    metadata,
    *_columns(),
    # Up to which version each aggregate was read without a gap.
    Column("seen", JSONB, nullable=False),
)
