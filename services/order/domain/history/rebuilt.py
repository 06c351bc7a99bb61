"""What became of one order, told anew from the beginning, and how it takes the place of the old."""

from dataclasses import dataclass, field
from typing import TypeVar

from services.order.domain.history.facts import Told
from services.order.domain.history.summary import (
    Funds,
    OrderSummary,
    Promise,
    Returned,
    Work,
)

Part = Promise | Funds | Work | Returned
P = TypeVar("P", Promise, Funds, Work, Returned)


@dataclass(slots=True, kw_only=True)
class Rebuilt:
    """
    What the streams tell of one order.

    An aggregate is heard from its first event on and without a gap, or not at all: of one whose
    beginning is forgotten nothing is known.

    Attributes:
        seen: How many events of each aggregate were heard.
    """

    summary: OrderSummary
    seen: dict[str, int] = field(default_factory=dict[str, int])

    def hear(self, context: str, told: Told) -> bool:
        """
        Take in an event if it is the next one of its aggregate; return whether it is.
        """
        # An order and its payment have one id.
        aggregate = str(told.aggregate_id) if context == "fulfillment" else context
        if told.version != self.seen.get(aggregate, 0) + 1:
            return False
        self.seen[aggregate] = told.version
        self.summary.hear(told)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """
    Attributes:
        summary: What stands in the history from now on.
        is_behind: Whether the history has heard more of some aggregate than the streams have told
            so far: that part stays as it was.
    """

    summary: OrderSummary
    is_behind: bool


def take_over(rebuilt: OrderSummary, live: OrderSummary) -> TakenOver:
    """
    Put each part of *rebuilt* in the place of the one in *live*, unless that has heard more.
    """
    works = live.works | {
        id_: _later(work, live.works.get(id_, work)) for id_, work in rebuilt.works.items()
    }
    returns = live.returns | {
        id_: _later(taken, live.returns.get(id_, taken)) for id_, taken in rebuilt.returns.items()
    }
    summary = OrderSummary(
        order_id=live.order_id,
        promise=_later(rebuilt.promise, live.promise),
        funds=_later(rebuilt.funds, live.funds),
        works=works,
        returns=returns,
    )
    pairs: list[tuple[Part, Part]] = [
        (rebuilt.promise, live.promise),
        (rebuilt.funds, live.funds),
        *((work, works[id_]) for id_, work in rebuilt.works.items()),
        *((taken, returns[id_]) for id_, taken in rebuilt.returns.items()),
    ]
    behind = any(0 < told.version < heard.version for told, heard in pairs)
    return TakenOver(summary=summary, is_behind=behind)


def _later(rebuilt: P, live: P) -> P:
    return rebuilt if rebuilt.version >= live.version else live
