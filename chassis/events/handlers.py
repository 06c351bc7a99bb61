"""What a listener does about which event."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from opentelemetry.trace import SpanKind

from chassis.events.delivery import Envelope
from chassis.storage.database import Transaction
from chassis.telemetry.tracing import item_spans

# Is given events of one type, in the transaction that also moves the inbox.
Handler = Callable[[Sequence[Any], Transaction], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """
    When events of this type arrive, call this handler with them, inside the transaction that
    also moves the inbox. The handler may see two events that concern one thing of its own.
    """

    message: type[Message]
    handler: Handler

    @property
    def subject(self) -> str:
        return self.message.DESCRIPTOR.full_name


class Handlers:
    """
    The subscriptions of one listener to one context.
    """

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self._subscriptions = {s.subject: s for s in subscriptions}

    async def handle(self, due: Mapping[UUID, Sequence[Envelope]], tx: Transaction) -> int:
        """
        Bring about what the events *due* say, which come by aggregate and in order.

        Returns:
            How many of them nobody subscribes to: they are passed over.
        """
        traces = {id_: events[0].trace for id_, events in due.items()}
        skipped = 0
        with item_spans(_span_names(due), traces, kind=SpanKind.CONSUMER):
            for together in _rounds(due):
                skipped += await self._handle_round(together, tx)
        return skipped

    async def _handle_round(self, together: Sequence[Envelope], tx: Transaction) -> int:
        by_subject: dict[str, list[Envelope]] = defaultdict(list)
        for envelope in together:
            by_subject[envelope.subject].append(envelope)
        skipped = 0
        for subject, envelopes in by_subject.items():
            subscription = self._subscriptions.get(subject)
            if subscription is None:
                # Not our concern, or of a newer version than we are; the watermark moves over it.
                skipped += len(envelopes)
                continue
            events = [subscription.message.FromString(e.payload) for e in envelopes]
            await subscription.handler(events, tx)
        return skipped


def _rounds(due: Mapping[UUID, Sequence[Envelope]]) -> list[list[Envelope]]:
    """
    Return first the first event of every aggregate, then the second ones, and so on: within a
    round the order does not matter, from round to round it does.
    """
    longest = max((len(events) for events in due.values()), default=0)
    return [
        [events[number] for events in due.values() if number < len(events)]
        for number in range(longest)
    ]


def _span_names(due: Mapping[UUID, Sequence[Envelope]]) -> dict[UUID, str]:
    """
    Return, for each aggregate, what is processed of it: "process OfferSubmitted, OfferAccepted".
    """
    return {
        id_: f"process {', '.join(event.subject.split('.')[-1] for event in events)}"
        for id_, events in due.items()
    }
