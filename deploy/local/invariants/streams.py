"""What JetStream says of its streams."""

from nats.aio.client import Client

from chassis.events.streams import stream_of


async def first_sequence(broker: Client, context: str) -> int:
    """
    Return the first sequence that the stream of *context* still holds.
    """
    return (await broker.jetstream().stream_info(stream_of(context))).state.first_seq


async def acknowledged(broker: Client, durable: str, context: str) -> int:
    """
    Return up to which sequence *durable* has acknowledged everything.
    """
    info = await broker.jetstream().consumer_info(stream_of(context), durable)
    return info.ack_floor.stream_seq if info.ack_floor else 0
