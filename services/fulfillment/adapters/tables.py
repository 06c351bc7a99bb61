"""The tables of the fulfillment service. How they came to be stands in migrations/."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.storage.database import metadata as new_metadata

metadata = new_metadata()

providers = Table(
    "providers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("regions", ARRAY(Text), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("suspended", Boolean, nullable=False),
    Column("suspension_reason", Text, nullable=False),
    # [[level, minor units, currency, least days, most days], …]
    Column("terms", JSONB, nullable=False),
    Column("daily_capacity", Integer, nullable=False),
    Column("hours", JSONB, nullable=False),
)

# What is noted of each provider, by day.
provider_days = Table(
    "provider_days",
    metadata,
    Column("provider_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("taken", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("expired", Integer, nullable=False),
    Column("parcels", Integer, nullable=False),
    Column("on_time", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("damaged", Integer, nullable=False),
)

# One row for each order that was heard of, opened or cancelled: none passes twice.
intake = Table(
    "intake",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("opened", Boolean, nullable=False),
)

fulfillment_orders = Table(
    "fulfillment_orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("trace", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("location_id", Text, nullable=False),
    Column("goods", JSONB, nullable=False),
    Column("ship_to", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("request_status", Text, nullable=False),
    Column("change_number", Integer, nullable=False),
    Column("service_level", Text, nullable=False),
    # Null until a provider has accepted.
    Column("first_day", Date),
    Column("last_day", Date),
    Column("promise_time_zone", Text),
    Column("promise_state", Text),
    # Who does the work, so that it is found among what others do.
    Column("done_by", Text),
    Column("answer_cancellation_by", DateTime(timezone=True)),
    # What the goods and shipments come to, so that the database can hold us to it.
    Column("ordered_units", BigInteger, nullable=False),
    Column("dispatched_units", BigInteger, nullable=False),
    Column("delivered_units", BigInteger, nullable=False),
    Column("packed_units", BigInteger, nullable=False),
    Column("ended_units", BigInteger, nullable=False),
)

offers = Table(
    "offers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("fulfillment_order_id", Uuid, ForeignKey("fulfillment_orders.id"), nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
    Column("change_number", Integer, nullable=False),
    Column("day", Date),
    # What led to it: adapters/rankings.py.
    Column("ranking", JSONB, nullable=False),
)

shipments = Table(
    "shipments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("fulfillment_order_id", Uuid, ForeignKey("fulfillment_orders.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("goods", JSONB, nullable=False),
    Column("goods_named", Boolean, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("weight_grams", Integer, nullable=False),
    Column("packed_at", DateTime(timezone=True)),
    Column("dispatched_at", DateTime(timezone=True)),
    Column("delivered_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    # What the carrier said last, by its clock; and what it said first of the end.
    Column("last_word", Text),
    Column("last_word_at", DateTime(timezone=True)),
    Column("last_word_id", Text),
    Column("end_word", Text),
    Column("end_word_at", DateTime(timezone=True)),
    Column("end_word_id", Text),
)

# A row from the moment that a label is wanted; the label once it is made.
labels = Table(
    "labels",
    metadata,
    Column("shipment_id", Uuid, ForeignKey("shipments.id"), primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("media_type", Text),
    Column("content", LargeBinary),
)

tracking_events = Table(
    "tracking_events",
    metadata,
    Column("shipment_id", Uuid, ForeignKey("shipments.id"), primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("place", Text, nullable=False),
    Column("description", Text, nullable=False),
)

returns = Table(
    "returns",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("trace", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("resolution", Text, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("location_id", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("reason", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("shipment_id", Uuid),
    Column("refunded_minor_units", BigInteger),
    Column("refunded_currency", Text),
    Column("replacement_order_id", Uuid),
    Column("sent_back", Text),
    # What the lines come to, so that the database can find them, and hold us to it.
    Column("to_be_sent_back", Boolean, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("counted_units", BigInteger, nullable=False),
)

return_receipts = Table(
    "return_receipts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("return_id", Uuid, ForeignKey("returns.id"), nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("is_last", Boolean, nullable=False),
)

return_labels = Table(
    "return_labels",
    metadata,
    Column("return_id", Uuid, ForeignKey("returns.id"), primary_key=True),
    Column("tracking_number", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
