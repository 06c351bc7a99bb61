"""What the contexts have told of orders, read from their streams."""

from collections.abc import AsyncIterator

from nats.aio.client import Client

from chassis.events.stored import stored_events
from chassis.events.streams import stream_of
from services.order.application.history.ports import Read
from services.order.domain.history.facts import Told
from services.order.wire.history import told_from_payload

AT_ONCE = 1_000


class NatsStreams:
    def __init__(self, broker: Client) -> None:
        self._broker = broker

    async def end(self, context: str) -> int:
        info = await self._broker.jetstream().stream_info(stream_of(context))
        last: int = info.state.last_seq
        return last

    async def read(self, context: str, *, after: int, upto: int) -> AsyncIterator[Read]:
        told: list[Told] = []
        last = after
        events = stored_events(
            self._broker, context, first=after + 1, last=upto, with_payloads=True
        )
        async for event in events:
            last = event.sequence
            if each := told_from_payload(event.subject, event.payload):
                told.append(each)
            if len(told) == AT_ONCE:
                yield Read(told, last)
                told = []
        yield Read(told, max(last, upto))
