"""The carrier: it tells what becomes of parcels, late, twice and out of order as carriers do."""

import logging
from collections.abc import Sequence

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from deploy.local.world.patience import Patience, is_passing
from deploy.providers.character import Milliseconds, Share
from deploy.providers.dice import chance
from deploy.providers.parcels import Parcel
from deploy.providers.stage import Stage
from deploy.providers.stubs import Stubs
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.fulfillment.v1 import shipment_service_pb2 as shipment_pb

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.2

ON_ITS_WAY = (pb.TRACKING_STATE_PRE_TRANSIT, pb.TRACKING_STATE_IN_TRANSIT)
ARRIVES = (*ON_ITS_WAY, pb.TRACKING_STATE_OUT_FOR_DELIVERY, pb.TRACKING_STATE_DELIVERED)
COMES_BACK = (*ON_ITS_WAY, pb.TRACKING_STATE_FAILURE, pb.TRACKING_STATE_RETURN_TO_SENDER)


class Manners(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    How the carrier tells things.

    Attributes:
        step_ms: How long it takes from one event of a parcel to the next.
        doubles: So many events it tells a second time.
        delays: So many it tells late, after others that happened later.
        late_ms: How late.
    """

    step_ms: Milliseconds = 0
    doubles: Share = 0.0
    delays: Share = 0.0
    late_ms: Milliseconds = 0


class Carrier:
    """
    Tells the story of each parcel, event by event. An event's id and time follow from its parcel,
    so that a story that is told again tells nothing new.
    """

    def __init__(self, manners: Manners, stubs: Stubs, patience: Patience, *, seed: int) -> None:
        self._manners = manners
        self._stubs = stubs
        self._patience = patience
        self._seed = seed
        self._tell = Stage(self._record)

    @property
    def busy(self) -> int:
        """
        How much it has to tell.
        """
        return len(self._tell)

    async def run(self) -> None:
        """
        Tell until cancelled.
        """
        await self._tell.run()

    def carry(self, parcel: Parcel, states: Sequence[pb.TrackingState]) -> None:
        """
        Tell that *parcel* goes through *states*, from now on.
        """
        for seconds, event in story_of(parcel, states, self._manners, self._seed):
            self._tell.put_later([event], seconds=seconds)

    async def _record(self, events: Sequence[shipment_pb.TrackingEvent]) -> None:
        request = shipment_pb.RecordTrackingRequest(events=events)
        answer = await self._patience(self._stubs.shipment.RecordTracking, request)
        again = []
        for event, result in zip(events, answer.results, strict=True):
            if result.HasField("error") and is_passing(result.error):
                again.append(event)
            elif result.HasField("error"):
                log.warning("%s is not taken in: %s", event.event_id, result.error.message)
        self._tell.put_later(again, seconds=AGAIN_SECONDS)


def story_of(
    parcel: Parcel, states: Sequence[pb.TrackingState], manners: Manners, seed: int
) -> Sequence[tuple[float, shipment_pb.TrackingEvent]]:
    """
    Return what is told of a parcel that goes through *states*, each with how many seconds from
    now.
    """
    told = []
    for number, state in enumerate(states, start=1):
        occurred = Timestamp()
        occurred.FromMicroseconds(parcel.dispatched_at + number * 1000)
        event = shipment_pb.TrackingEvent(
            event_id=f"{parcel.id}-{number}",
            shipment_id=parcel.id,
            state=state,
            occur_time=occurred,
            place="a depot",
            description=pb.TrackingState.Name(state).removeprefix("TRACKING_STATE_").lower(),
        )
        delay = manners.step_ms * (number - 1)
        if chance(seed, "delays", event.event_id) < manners.delays:
            delay += manners.late_ms
        told.append((delay / 1000, event))
        if chance(seed, "doubles", event.event_id) < manners.doubles:
            told.append(((delay + manners.late_ms) / 1000, event))
    return told
