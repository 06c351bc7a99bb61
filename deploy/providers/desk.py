"""What every part of a provider's work needs: who it is, whom it calls, and what to do with no."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from google.rpc.status_pb2 import Status

from chassis.rpc.errors import reason_of
from deploy.local.world.patience import Patience, is_passing
from deploy.providers.character import Character
from deploy.providers.stage import Stage
from deploy.providers.stubs import Stubs
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

AGAIN_SECONDS = 0.2
# The label of a parcel is being made, or the work is asked to be given up: that passes.
WAITING = {"LABEL_NOT_READY", "CANCELLATION_REQUESTED"}

T = TypeVar("T")


class Desk:
    """
    Attributes:
        refused: Why something that was said was refused, and how often.
    """

    def __init__(self, character: Character, stubs: Stubs, patience: Patience) -> None:
        self.character = character
        self.stubs = stubs
        self.patience = patience
        self.refused: Counter[str] = Counter()

    def settle(
        self, asked: Sequence[T], results: Sequence[pb.FulfillmentResult], stage: Stage[T]
    ) -> Sequence[tuple[T, pb.FulfillmentOrder]]:
        """
        Return those of *asked* that were done, each with its work as it is now; what was refused
        only for now is put into *stage* again.
        """
        done: list[tuple[T, pb.FulfillmentOrder]] = []
        again: list[T] = []
        for item, result in zip(asked, results, strict=True):
            if not result.HasField("error"):
                done.append((item, result.fulfillment_order))
            elif is_for_now(result.error):
                again.append(item)
            else:
                self.refused[reason_of(result.error) or "no reason given"] += 1
        stage.put_later(again, seconds=AGAIN_SECONDS)
        return done


def is_for_now(error: Status) -> bool:
    return is_passing(error) or reason_of(error) in WAITING
