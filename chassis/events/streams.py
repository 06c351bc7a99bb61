"""The JetStream streams: one a context; and who listens to which."""

import time
from collections.abc import Mapping, Sequence

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

DAY_SECONDS = 24 * 60 * 60

# Delivered again if not acknowledged for this long: what a killed listener had in its hands waits
# no longer. If a batch takes longer than that, the inbox recognizes the repeat.
ACK_WAIT_SECONDS = 5.0


def stream_of(context: str) -> str:
    """
    Return the stream with the events of *context*: RETAIL_ORDER for `order`.
    """
    return f"RETAIL_{context.upper()}"


def durable_of(listener: str, context: str) -> str:
    """
    Return the durable consumer by which *listener* hears the events of *context*.
    """
    return f"{listener}-{context}"


def stream_config(context: str, *, replicas: int) -> StreamConfig:
    """
    Return how the stream of *context* is kept.
    """
    return StreamConfig(
        name=stream_of(context),
        subjects=[f"retail.{context}.v1.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        num_replicas=replicas,
        discard=DiscardPolicy.OLD,
        # The outbox is the record and the stream a copy: it may forget what is old.
        max_age=14 * DAY_SECONDS,
        max_bytes=4 * 1024**3,
        # The relay repeats itself within moments. Later repeats are caught by the inbox; a
        # longer window would keep more ids in the server's memory.
        duplicate_window=10,
        # One sync to disk for a whole batch. ADR-0006.
        allow_atomic=True,
        allow_direct=True,
    )


def consumer_config(listener: str, context: str, *, replicas: int) -> ConsumerConfig:
    """
    Return how *listener* hears *context*: all of its events, in order, so that a gap shows.
    """
    return ConsumerConfig(
        durable_name=durable_of(listener, context),
        filter_subject=f"retail.{context}.v1.>",
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        # Attempts are counted in PostgreSQL, where they survive and can be seen.
        max_deliver=-1,
        max_ack_pending=5_000,
        num_replicas=replicas,
    )


async def provision(
    jetstream: JetStreamContext,
    *,
    contexts: Sequence[str],
    listeners: Mapping[str, Sequence[str]],
    replicas: int = 1,
) -> None:
    """
    Create or update the streams of *contexts* and the consumers of *listeners*.

    Services never do this: they bind to what is there, and have no right to change it.

    Args:
        listeners: Whom each listener hears, such as `{"order": ["fulfillment"]}`.
        replicas: On how many nodes each stream is kept: 1 or 3.
    """
    for context in contexts:
        config = stream_config(context, replicas=replicas)
        try:
            await jetstream.stream_info(stream_of(context))
        except NotFoundError:
            # No place is ever given out twice, not even by a stream that was deleted: an
            # acknowledgement that is late, or a row of the record, would speak of another event.
            await jetstream.add_stream(config, first_seq=time.time_ns() // 1_000)
        else:
            await jetstream.update_stream(config)
    for listener, heard in listeners.items():
        for context in heard:
            # Adding a durable that exists with the same settings is no error, or updates it.
            await jetstream.add_consumer(
                stream_of(context), consumer_config(listener, context, replicas=replicas)
            )
