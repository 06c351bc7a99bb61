"""Who a provider is, and what it does with work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from deploy.providers.dice import chance
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=86_400_000)]
Fate = Literal["arrives", "lost", "sent back", "never moves", "said to arrive"]


class Delay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Attributes:
        after_ms: How long something takes at least.
        spread_ms: How much longer it may take.
    """

    after_ms: Milliseconds = 0
    spread_ms: Milliseconds = 0

    def seconds(self, *words: object) -> float:
        """
        Return how long it takes this time; the same for the same *words*.
        """
        return (self.after_ms + self.spread_ms * chance("delay", *words)) / 1000


class Habits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    How a provider works; by default at once, and well.

    Attributes:
        answers: How long it thinks about an offer, and about a cancellation.
        dispatches: How long it takes until a parcel leaves.
        delivers: How long a parcel is on its way.
        ignores: Of so many offers it never says anything.
        refuses_cancellations: It does not give up so much of the work that it is asked to.
        packs: Whether it tells what it has packed before it tells what left.
        tracked: Whether the carrier tells that parcels arrived; else it tells so itself.
        loses: So many of its parcels are lost.
        sends_back: So many come back to the sender.
        never_moves: So many it says to have dispatched, and nothing more is heard of them.
        says_delivered: Of so many it says that they arrived, and the carrier says otherwise.
    """

    answers: Delay = Delay()
    dispatches: Delay = Delay()
    delivers: Delay = Delay()
    ignores: Share = 0.0
    refuses_cancellations: Share = 0.0
    packs: bool = False
    tracked: bool = False
    loses: Share = 0.0
    sends_back: Share = 0.0
    never_moves: Share = 0.0
    says_delivered: Share = 0.0

    def __post_init__(self) -> None:
        if self.loses + self.sends_back + self.never_moves + self.says_delivered > 1:
            raise ValueError(
                "loses, sends_back, never_moves and says_delivered come to more than 1"
            )


AT_ONCE = Habits()


def accept_all(_work: pb.OfferedWork) -> str:
    """
    Want all work there is.
    """
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """
    Attributes:
        regions: Where it delivers; empty: everywhere.
        refuses: Says why it does not want some work; nothing if it does.
        parcels: In how many parcels it sends the work of one order.
        terms: What it asks and promises, how much it takes on, and when it works; nothing said:
            as the service supposes.
        seed: Another one has it decide otherwise wherever it leaves things to chance.
    """

    id: str
    name: str
    regions: Sequence[str] = ()
    rank: int = 0
    refuses: Callable[[pb.OfferedWork], str] = accept_all
    parcels: int = 1
    terms: pb.Provider | None = None
    habits: Habits = AT_ONCE
    seed: int = 0

    def to_wire(self, *, suspended: bool) -> pb.Provider:
        wire = pb.Provider()
        if self.terms:
            wire.CopyFrom(self.terms)
        wire.provider_id = self.id
        wire.name = self.name
        wire.regions[:] = self.regions
        wire.rank = self.rank
        wire.suspended = suspended
        return wire

    def does(self, what: str, share: float, id_: str) -> bool:
        """
        Decide whether *what* happens, as it does in *share* of all cases, in the case *id_*.
        """
        return self.chance(what, id_) < share

    def chance(self, what: str, id_: str) -> float:
        return chance(self.seed, self.id, what, id_)

    def fate_of(self, shipment_id: str) -> Fate:
        """
        Decide what becomes of a parcel.
        """
        fates: tuple[tuple[Fate, float], ...] = (
            ("lost", self.habits.loses),
            ("sent back", self.habits.sends_back),
            ("never moves", self.habits.never_moves),
            ("said to arrive", self.habits.says_delivered),
        )
        left = self.chance("fate", shipment_id)
        for fate, share in fates:
            if left < share:
                return fate
            left -= share
        return "arrives"
