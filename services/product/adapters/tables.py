"""The tables of the product service."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from chassis.storage import database

metadata = database.metadata()

products = Table(
    "products",
    metadata,
    Column("id", UuidType, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("trace", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("handle", Text, nullable=False),
    Column("category_ids", ARRAY(UuidType), nullable=False),
    Column("attributes", JSONB, nullable=False),
    Column("media", JSONB, nullable=False),
    Column("next_price_at", DateTime(timezone=True)),
)

categories = Table(
    "categories",
    metadata,
    Column("id", UuidType, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("trace", Text, nullable=False),
    Column("parent_id", UuidType),
    Column("name", Text, nullable=False),
    Column("attributes", JSONB, nullable=False),
    Column("path", ARRAY(UuidType), nullable=False),
    Column("deleted", Boolean, nullable=False),
)

variants = Table(
    "variants",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("product_id", UuidType, nullable=False),
    Column("position", Integer, nullable=False),
    Column("price_minor_units", BigInteger, nullable=False),
    Column("price_currency", Text, nullable=False),
    Column("gtin", Text, nullable=False),
    Column("weight_grams", Integer, nullable=False),
    Column("attributes", JSONB, nullable=False),
    Column("prices", JSONB, nullable=False),
    Column("retired", Boolean, nullable=False),
)

locations = Table(
    "locations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", Text, nullable=False),
)

stock_items = Table(
    "stock_items",
    metadata,
    # Made of SKU and location; everybody locks in the order of this column.
    Column("id", UuidType, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("trace", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("location_id", Text, nullable=False),
    Column("on_hand", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("allocated", BigInteger, nullable=False),
    Column("damaged", BigInteger, nullable=False),
)

# Append-only: the service's role may neither update nor delete.
stock_movements = Table(
    "stock_movements",
    metadata,
    Column("position", BigInteger, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("location_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("delta_on_hand", BigInteger, nullable=False),
    Column("delta_held", BigInteger, nullable=False),
    Column("delta_allocated", BigInteger, nullable=False),
    Column("delta_damaged", BigInteger, nullable=False),
    Column("cause_type", Text, nullable=False),
    Column("cause_id", UuidType, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", UuidType, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("trace", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
)

reservation_allocations = Table(
    "reservation_allocations",
    metadata,
    Column("reservation_id", UuidType, nullable=False),
    Column("sku", Text, nullable=False),
    Column("location_id", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("shipped", BigInteger, nullable=False),
    # What was promised at first, beyond the quantity.
    Column("given_back", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("reservation_id", "sku", "location_id"),
)

reservation_shipments = Table(
    "reservation_shipments",
    metadata,
    Column("reservation_id", UuidType, nullable=False),
    Column("shipment_id", UuidType, nullable=False),
    Column("location_id", Text, nullable=False),
    # Units by SKU, kept to compare with when the shipment is booked again.
    Column("lines", JSONB, nullable=False),
    PrimaryKeyConstraint("reservation_id", "shipment_id"),
)

search_entries = Table(
    "search_entries",
    metadata,
    Column("product_id", UuidType, primary_key=True),
    Column("title", Text, nullable=False),
    Column("document", TSVECTOR, nullable=False),
    Column("category_ids", ARRAY(UuidType), nullable=False),
    # Of names and values with \x1f between them.
    Column("attributes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

search_prices = Table(
    "search_prices",
    metadata,
    Column("product_id", UuidType, nullable=False),
    Column("currency", Text, nullable=False),
    Column("lowest", BigInteger, nullable=False),
    Column("highest", BigInteger, nullable=False),
    PrimaryKeyConstraint("product_id", "currency"),
)

# Never forgotten: there are only so many words.
search_words = Table(
    "search_words",
    metadata,
    Column("word", Text(collation="C"), primary_key=True),
    Column("stem", Text(collation="C"), nullable=False),
)
