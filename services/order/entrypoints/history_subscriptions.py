"""What the history of orders listens to: all contexts that tell what becomes of one."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from google.protobuf.message import Message

from chassis.events.handlers import Handler, Subscription
from chassis.storage.database import Transaction as OpenTransaction
from services.order.application.history.ports import OrderHistory
from services.order.domain.history.facts import Fact
from services.order.wire.history import FACTS, told_from_wire

LISTENER = "history"
HEARS = ("order", "payment", "fulfillment")
# Nobody waits for the history: the events of an order's few seconds may be written at once.
GATHER_SECONDS = 1.0

# The history as the open transaction that also moves the inbox reaches it.
HistoryOf = Callable[[OpenTransaction], OrderHistory]


def history_subscriptions(
    context: str,
    history_of: HistoryOf,
    *,
    besides: Mapping[type[Message], Handler] = MappingProxyType({}),
) -> Sequence[Subscription]:
    """
    Return what to do at which event of *context*: to note what it tells.

    Safe to repeat: the history knows how far it has heard of each aggregate.

    Args:
        besides: What else is done about some of the events, in the same transaction.
    """
    return [
        _subscription(message, fact_of, history_of, besides.get(message))
        for message, fact_of in FACTS[context].items()
    ]


def _subscription(
    message: type[Message],
    fact_of: Callable[[Any], Fact],
    history_of: HistoryOf,
    besides: Handler | None,
) -> Subscription:
    async def note(events: Sequence[Any], tx: OpenTransaction) -> None:
        history_of(tx).note([told_from_wire(event, fact_of(event)) for event in events])
        if besides:
            await besides(events, tx)

    return Subscription(message, note)
