"""
Service providers: they follow their offers, accept or reject, dispatch and deliver.

They speak gRPC like anybody else, in batches as large as what has gathered. Whatever is killed
meanwhile, they ask again with the same ids until they are answered, and a parcel's id follows from
the work it is for: nothing they do is done twice, and nothing that they took on is forgotten.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID, uuid5

import grpc

from chassis.backoff import backoff_seconds
from chassis.rpc.errors import reason_of
from deploy.local.world.patience import Patience, is_passing
from deploy.local.world.services import Services
from deploy.local.world.stage import Stage
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

# Fixed, so that a repeat has the ids of what it repeats.
PARCELS = UUID("d1f2b0a4-6b1e-5f0e-8a57-3c2b9d7e4f10")

AGAIN_SECONDS = 0.2

T = TypeVar("T")


def accept_all(_work: pb.OfferedWork) -> str:
    """
    Want all work there is.
    """
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """
    Who a provider is, and what it does with an offer.

    Attributes:
        regions: Where it delivers; empty: everywhere.
        refuses: Says why it does not want some work; nothing if it does.
        parcels: In how many parcels it sends the work of one order.
    """

    id: str
    name: str
    regions: tuple[str, ...] = ()
    rank: int = 0
    refuses: Callable[[pb.OfferedWork], str] = accept_all
    parcels: int = 1


@dataclass(frozen=True, slots=True)
class Parcel:
    """
    Attributes:
        lines: What is in it; empty: all that has not left yet.
    """

    fulfillment_order_id: str
    number: int
    lines: tuple[pb.FulfillmentLine, ...]

    @property
    def id(self) -> str:
        return str(uuid5(PARCELS, f"{self.fulfillment_order_id}/{self.number}"))


class Provider:
    """
    One provider at work.

    Attributes:
        refused: Why something that it said was refused, and how often.
    """

    def __init__(self, character: Character, services: Services, patience: Patience) -> None:
        self.character = character
        self.refused: Counter[str] = Counter()
        self._fulfillment = services.fulfillment
        self._patience = patience
        self._answer = Stage(self._answer_offers)
        self._give_up = Stage(self._agree_to_cancellations)
        self._dispatch = Stage(self._dispatch_parcels)
        self._deliver = Stage(self._deliver_parcels)

    @property
    def busy(self) -> int:
        """
        How many offers and parcels it has in hand.
        """
        stages = (self._answer, self._give_up, self._dispatch, self._deliver)
        return sum(len(stage) for stage in stages)

    async def register(self, *, suspended: bool = False) -> None:
        """
        Make itself known, or ask for no more offers.
        """
        me = pb.Provider(
            provider_id=self.character.id,
            name=self.character.name,
            regions=self.character.regions,
            rank=self.character.rank,
            suspended=suspended,
        )
        await self._patience(self._fulfillment.PutProvider, pb.PutProviderRequest(provider=me))

    async def run(self) -> None:
        """
        Work until cancelled.
        """
        async with asyncio.TaskGroup() as tasks:
            for stage in (self._answer, self._give_up, self._dispatch, self._deliver):
                tasks.create_task(stage.run())
            await self._watch()

    def take_up(self, work: Iterable[pb.FulfillmentOrder]) -> None:
        """
        Go on with *work* that it accepted earlier, perhaps in another life.
        """
        self._dispatch.put(parcel for order in work for parcel in self._parcels(order))

    async def _watch(self) -> None:
        failures = 0
        request = pb.WatchOffersRequest(provider_id=self.character.id)
        while True:
            try:
                # What is open comes again after every reconnect.
                async for news in self._fulfillment.WatchOffers(request):
                    failures = 0
                    self._answer.put(news.offers)
                    self._give_up.put(news.cancellations)
            except grpc.aio.AioRpcError:
                failures += 1
            await asyncio.sleep(backoff_seconds(max(failures, 1), most=1.0))

    async def _answer_offers(self, offers: Sequence[pb.OfferedWork]) -> None:
        # An offer may come twice.
        by_id = {work.offer.offer_id: work for work in offers}
        reasons = {id_: self.character.refuses(work) for id_, work in by_id.items()}
        wanted = [work for id_, work in by_id.items() if not reasons[id_]]
        unwanted = [work for id_, work in by_id.items() if reasons[id_]]
        if wanted:
            accepted = await self._patience(
                self._fulfillment.AcceptOffers,
                pb.AcceptOffersRequest(
                    provider_id=self.character.id,
                    offer_ids=[work.offer.offer_id for work in wanted],
                ),
            )
            await self._settle(wanted, accepted.results, self._answer)
            # As it is now: an order may have changed since it was offered.
            self.take_up(r.fulfillment_order for r in accepted.results if not r.HasField("error"))
        if unwanted:
            rejected = await self._patience(
                self._fulfillment.RejectOffers,
                pb.RejectOffersRequest(
                    provider_id=self.character.id,
                    rejections=[
                        pb.Rejection(
                            offer_id=work.offer.offer_id, reason=reasons[work.offer.offer_id]
                        )
                        for work in unwanted
                    ],
                ),
            )
            await self._settle(unwanted, rejected.results, self._answer)

    async def _agree_to_cancellations(self, work: Sequence[pb.FulfillmentOrder]) -> None:
        """
        Give up whatever can be: once a parcel has left, a yes is refused.
        """
        answer = await self._patience(
            self._fulfillment.AnswerCancellations,
            pb.AnswerCancellationsRequest(
                provider_id=self.character.id,
                answers=[
                    pb.CancellationAnswer(
                        fulfillment_order_id=some.fulfillment_order_id, accepted=True
                    )
                    for some in work
                ],
            ),
        )
        await self._settle(work, answer.results, self._give_up)

    async def _dispatch_parcels(self, parcels: Sequence[Parcel]) -> None:
        answer = await self._patience(
            self._fulfillment.DispatchShipments,
            pb.DispatchShipmentsRequest(
                provider_id=self.character.id,
                dispatches=[
                    pb.Dispatch(
                        shipment_id=parcel.id,
                        fulfillment_order_id=parcel.fulfillment_order_id,
                        lines=parcel.lines,
                        tracking_number=f"{self.character.id}-{parcel.id[:8]}",
                    )
                    for parcel in parcels
                ],
            ),
        )
        self._deliver.put(await self._settle(parcels, answer.results, self._dispatch))

    async def _deliver_parcels(self, parcels: Sequence[Parcel]) -> None:
        answer = await self._patience(
            self._fulfillment.DeliverShipments,
            pb.DeliverShipmentsRequest(
                deliveries=[
                    pb.Delivery(
                        fulfillment_order_id=parcel.fulfillment_order_id, shipment_id=parcel.id
                    )
                    for parcel in parcels
                ]
            ),
        )
        await self._settle(parcels, answer.results, self._deliver)

    async def _settle(
        self, asked: Sequence[T], results: Sequence[pb.FulfillmentResult], stage: Stage[T]
    ) -> Sequence[T]:
        """
        Return those of *asked* that were done; what was refused only for now is asked again.
        """
        done: list[T] = []
        again: list[T] = []
        for item, result in zip(asked, results, strict=True):
            if not result.HasField("error"):
                done.append(item)
            elif is_passing(result.error):
                again.append(item)
            else:
                self.refused[reason_of(result.error) or "no reason given"] += 1
        if again:
            await asyncio.sleep(AGAIN_SECONDS)
            stage.put(again)
        return done

    def _parcels(self, work: pb.FulfillmentOrder) -> Iterable[Parcel]:
        """
        Share the goods out over the parcels: as evenly as whole units allow. The last one takes
        what is left, which is less if the order changes meanwhile.
        """
        count = self.character.parcels
        for number in range(count):
            lines = tuple(
                pb.FulfillmentLine(sku=line.sku, quantity=units)
                for line in work.lines
                if (units := (line.quantity + number) // count)
            )
            if lines:
                # The last one takes all that is left: the work may have changed meanwhile.
                is_last = number == count - 1
                yield Parcel(work.fulfillment_order_id, number, () if is_last else lines)


@asynccontextmanager
async def at_work(
    characters: Iterable[Character], services: Services, patience: Patience
) -> AsyncGenerator[Sequence[Provider]]:
    """
    Let providers work for the length of the block. `retire` them before it ends, or offers that
    nobody answers are made to them afterwards.
    """
    providers = [Provider(character, services, patience) for character in characters]
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
