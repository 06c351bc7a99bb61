"""The tables of the order service."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, Table, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB

from chassis.storage.bulk import MONTH_KEY
from chassis.storage.database import metadata as new_metadata
from chassis.storage.idempotency import idempotency_table

metadata = new_metadata()

orders = Table(
    "orders",
    metadata,
    Column("id", UuidType, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("trace", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("payment_status", Text, nullable=False),
    Column("fulfillment_status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("items_total", BigInteger, nullable=False),
    Column("shipping", BigInteger, nullable=False),
    Column("discount", BigInteger, nullable=False),
    Column("grand_total", BigInteger, nullable=False),
    Column("authorized", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("payment_heard", BigInteger, nullable=False),
    # [[title, minor units], …]
    Column("shipping_lines", JSONB, nullable=False),
    Column("discount_lines", JSONB, nullable=False),
    Column("service_level", Text, nullable=False),
    Column("psp_token", Text, nullable=False),
    Column("ship_to", JSONB, nullable=False),
    # [[sku, location, units], …], as product answered: read and written whole.
    Column("allocations", JSONB, nullable=False),
    Column("unfulfillable", JSONB, nullable=False),
    # As they stand in domain/cancellation.py and domain/order_change.py; null: never asked for.
    Column("cancellation", JSONB),
    Column("change", JSONB),
    # The return that it makes good or is exchanged for.
    Column("for_return_id", UuidType),
    Column("return_count", Integer, nullable=False),
    Column("news_count", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    info={MONTH_KEY: "id"},
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", UuidType, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    info={MONTH_KEY: "order_id"},
)

order_shipments = Table(
    "order_shipments",
    metadata,
    Column("order_id", UuidType, primary_key=True),
    Column("id", UuidType, primary_key=True),
    Column("location_id", Text, nullable=False),
    Column("goods", JSONB, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("shipping", BigInteger, nullable=False),
    Column("captured", Boolean, nullable=False),
    Column("dispatched_at", DateTime(timezone=True), nullable=False),
    Column("delivered_at", DateTime(timezone=True)),
    Column("lost_at", DateTime(timezone=True)),
    info={MONTH_KEY: "order_id"},
)

order_returns = Table(
    "order_returns",
    metadata,
    Column("id", UuidType, primary_key=True),
    Column("order_id", UuidType, nullable=False),
    Column("kind", Text, nullable=False),
    Column("resolution", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("location_id", Text, nullable=False),
    # As they stand in domain/order_return.py.
    Column("goods", JSONB, nullable=False),
    # [[line, units], …]
    Column("units", JSONB, nullable=False),
    # Null: not decided, or nothing is paid back.
    Column("refund", BigInteger),
    Column("shipping", BigInteger),
    Column("replacement_id", UuidType),
    Column("received_at", DateTime(timezone=True), nullable=False),
)

order_timeline = Table(
    "order_timeline",
    metadata,
    Column("order_id", UuidType, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("what", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    info={MONTH_KEY: "order_id"},
)

carts = Table(
    "carts",
    metadata,
    Column("id", UuidType, primary_key=True),
    Column("version", Integer, nullable=False),
    # NULL: it belongs to nobody yet.
    Column("account_id", Text),
    Column("state", Text, nullable=False),
    # [[sku, units, title, price, [[least, price], …]], …], the last three as the owner saw them.
    Column("items", JSONB, nullable=False),
    Column("order_id", UuidType),
    Column("merged_into", UuidType),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

cart_requests = idempotency_table(metadata, "cart_requests")
account_limits = Table(
    "account_limits",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("open_orders", Integer, nullable=False),
    # [[minor units, currency], …]
    Column("open_values", JSONB, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
