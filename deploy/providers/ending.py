"""What becomes of parcels that have left, and who tells it."""

import asyncio
from collections.abc import Sequence

from deploy.providers.carrier import ARRIVES, COMES_BACK, ON_ITS_WAY, Carrier
from deploy.providers.desk import Desk
from deploy.providers.parcels import Parcel
from deploy.providers.stage import Stage
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.fulfillment.v1 import shipment_service_pb2 as shipment_pb


class Ending:
    """
    The parcels of a provider that are on their way.
    """

    def __init__(self, desk: Desk, carrier: Carrier) -> None:
        self._desk = desk
        self._me = desk.character
        self._carrier = carrier
        self._track = Stage(self._tell_the_carrier)
        self._deliver = Stage(self._deliver_parcels)
        self._lose = Stage(self._lose_parcels)
        self._send_back = Stage(self._return_parcels)

    def __len__(self) -> int:
        return sum(map(len, (self._track, self._deliver, self._lose, self._send_back)))

    async def run(self) -> None:
        """
        Tell until cancelled.
        """
        async with asyncio.TaskGroup() as tasks:
            for stage in (self._track, self._deliver, self._lose, self._send_back):
                tasks.create_task(stage.run())

    def of(self, parcels: Sequence[Parcel]) -> None:
        """
        Let come what is to become of *parcels*, in its time.
        """
        habits = self._me.habits
        for parcel in parcels:
            seconds = habits.delivers.seconds(self._me.seed, parcel.id)
            fate = self._me.fate_of(parcel.id)
            if habits.tracked or fate == "said to arrive":
                self._track.put_later([parcel], seconds=seconds)
            if fate == "said to arrive" or (fate == "arrives" and not habits.tracked):
                self._deliver.put_later([parcel], seconds=seconds)
            elif fate == "lost":
                self._lose.put_later([parcel], seconds=seconds)
            elif fate == "sent back" and not habits.tracked:
                self._send_back.put_later([parcel], seconds=seconds)

    async def _tell_the_carrier(self, parcels: Sequence[Parcel]) -> None:
        stories = {"arrives": ARRIVES, "lost": ON_ITS_WAY, "never moves": ()}
        for parcel in parcels:
            states = stories.get(self._me.fate_of(parcel.id), COMES_BACK)
            self._carrier.carry(parcel, states)

    async def _deliver_parcels(self, parcels: Sequence[Parcel]) -> None:
        request = pb.DeliverShipmentsRequest(
            deliveries=[
                pb.Delivery(fulfillment_order_id=parcel.fulfillment_order_id, shipment_id=parcel.id)
                for parcel in parcels
            ]
        )
        deliver = self._desk.stubs.fulfillment.DeliverShipments
        answer = await self._desk.patience(deliver, request)
        self._desk.settle(parcels, answer.results, self._deliver)

    async def _lose_parcels(self, parcels: Sequence[Parcel]) -> None:
        request = shipment_pb.LoseShipmentsRequest(shipments=refs(parcels))
        lose = self._desk.stubs.shipment.LoseShipments
        answer = await self._desk.patience(lose, request)
        self._desk.settle(parcels, answer.results, self._lose)

    async def _return_parcels(self, parcels: Sequence[Parcel]) -> None:
        request = shipment_pb.ReturnShipmentsToSenderRequest(shipments=refs(parcels))
        send_back = self._desk.stubs.shipment.ReturnShipmentsToSender
        answer = await self._desk.patience(send_back, request)
        self._desk.settle(parcels, answer.results, self._send_back)


def refs(parcels: Sequence[Parcel]) -> list[shipment_pb.ShipmentRef]:
    return [
        shipment_pb.ShipmentRef(
            fulfillment_order_id=parcel.fulfillment_order_id, shipment_id=parcel.id
        )
        for parcel in parcels
    ]
