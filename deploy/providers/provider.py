"""
Service providers: they follow their offers, accept or reject, pack, dispatch and deliver.

They speak gRPC like anybody else, in batches as large as what has gathered. Whatever is killed
meanwhile, they ask again with the same ids until they are answered, and a parcel's id follows from
the work it is for: nothing they do is done twice, and nothing that they took on is forgotten.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager

import grpc

from chassis.backoff import backoff_seconds
from deploy.local.world.patience import Patience
from deploy.providers.carrier import Carrier, Manners
from deploy.providers.character import Character
from deploy.providers.desk import Desk
from deploy.providers.ending import Ending
from deploy.providers.offers import Offers
from deploy.providers.parcels import Parcel, as_dispatched, standing_of
from deploy.providers.stage import Stage
from deploy.providers.stubs import Stubs
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.fulfillment.v1 import shipment_service_pb2 as shipment_pb

PAGE = 200


class Provider:
    """
    One provider at work.

    Args:
        carrier: Tells where its parcels are; one of its own if left out.
    """

    def __init__(
        self,
        character: Character,
        stubs: Stubs,
        patience: Patience,
        *,
        carrier: Carrier | None = None,
    ) -> None:
        self.character = character
        self._desk = Desk(character, stubs, patience)
        own = Carrier(Manners(), stubs, patience, seed=character.seed)
        # Somebody else's carrier is run by somebody else.
        self._own_carrier = own if carrier is None else None
        self._pack = Stage(self._pack_parcels)
        self._dispatch = Stage(self._dispatch_parcels)
        self._ending = Ending(self._desk, own if carrier is None else carrier)
        self._offers = Offers(self._desk, self.take_up)

    @property
    def refused(self) -> Counter[str]:
        """
        Why something that it said was refused, and how often.
        """
        return self._desk.refused

    @property
    def busy(self) -> int:
        """
        How many offers and parcels it has in hand.
        """
        own = self._own_carrier.busy if self._own_carrier else 0
        return len(self._offers) + len(self._pack) + len(self._dispatch) + len(self._ending) + own

    async def register(self, *, suspended: bool = False) -> None:
        """
        Make itself known, or ask for no more offers.
        """
        me = self.character.to_wire(suspended=suspended)
        await self._desk.patience(
            self._desk.stubs.fulfillment.PutProvider, pb.PutProviderRequest(provider=me)
        )

    async def run(self) -> None:
        """
        Work until cancelled.
        """
        async with asyncio.TaskGroup() as tasks:
            for each in (self._pack, self._dispatch, self._ending, self._offers, self._own_carrier):
                if each is not None:
                    tasks.create_task(each.run())
            await self._watch()

    async def resume(self) -> None:
        """
        Take up all work that it accepted in an earlier life and that has not ended.
        """
        request = pb.ListProviderWorkRequest(provider_id=self.character.id, page_size=PAGE)
        while True:
            page = await self._desk.patience(self._desk.stubs.fulfillment.ListProviderWork, request)
            self.take_up(page.fulfillment_orders)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return

    def take_up(self, work: Iterable[pb.FulfillmentOrder]) -> None:
        """
        Go on with accepted *work* from where it stands. Taken up twice, it is done once.
        """
        habits = self.character.habits
        for order in work:
            standing = standing_of(order, self.character.parcels)
            seconds = habits.dispatches.seconds(self.character.seed, order.fulfillment_order_id)
            begin = self._pack if habits.packs else self._dispatch
            begin.put_later(standing.to_pack, seconds=seconds)
            self._dispatch.put_later(standing.to_dispatch, seconds=seconds)
            self._ending.of(standing.under_way)

    async def _watch(self) -> None:
        failures = 0
        request = pb.WatchOffersRequest(provider_id=self.character.id)
        while True:
            try:
                # What is open comes again after every reconnect.
                async for news in self._desk.stubs.fulfillment.WatchOffers(request):
                    failures = 0
                    self._offers.consider(news)
            except grpc.aio.AioRpcError:
                failures += 1
            await asyncio.sleep(backoff_seconds(max(failures, 1), most=1.0))

    async def _pack_parcels(self, parcels: Sequence[Parcel]) -> None:
        parcels = self._offers.without_given_up(parcels)
        if not parcels:
            return
        request = shipment_pb.PackShipmentsRequest(
            provider_id=self.character.id,
            packings=[
                shipment_pb.Packing(
                    shipment_id=parcel.id,
                    fulfillment_order_id=parcel.fulfillment_order_id,
                    lines=parcel.lines,
                    carrier=self.character.id,
                )
                for parcel in parcels
            ],
        )
        answer = await self._desk.patience(self._desk.stubs.shipment.PackShipments, request)
        packed = self._desk.settle(parcels, answer.results, self._pack)
        self._dispatch.put(parcel for parcel, _ in packed)

    async def _dispatch_parcels(self, parcels: Sequence[Parcel]) -> None:
        parcels = self._offers.without_given_up(parcels)
        if not parcels:
            return
        packs = self.character.habits.packs
        request = pb.DispatchShipmentsRequest(
            provider_id=self.character.id,
            dispatches=[
                pb.Dispatch(
                    shipment_id=parcel.id,
                    fulfillment_order_id=parcel.fulfillment_order_id,
                    # A packed parcel has its goods and its label.
                    lines=() if packs else parcel.lines,
                    tracking_number="" if packs else f"{self.character.id}-{parcel.id[:8]}",
                )
                for parcel in parcels
            ],
        )
        answer = await self._desk.patience(self._desk.stubs.fulfillment.DispatchShipments, request)
        gone = self._desk.settle(parcels, answer.results, self._dispatch)
        self._ending.of([as_dispatched(parcel, work) for parcel, work in gone])


@asynccontextmanager
async def at_work(
    characters: Iterable[Character],
    stubs: Stubs,
    patience: Patience,
    *,
    carrier: Carrier | None = None,
) -> AsyncGenerator[Sequence[Provider]]:
    """
    Let providers work for the length of the block. `retire` them before it ends, or offers that
    nobody answers are made to them afterwards.
    """
    providers = [Provider(each, stubs, patience, carrier=carrier) for each in characters]
    for provider in providers:
        await provider.register()
    async with asyncio.TaskGroup() as tasks:
        working = [tasks.create_task(provider.run()) for provider in providers]
        try:
            yield providers
        finally:
            for task in working:
                task.cancel()


async def retire(providers: Iterable[Provider]) -> None:
    """
    Have no more offers made to *providers*.
    """
    for provider in providers:
        await provider.register(suspended=True)
