"""What a provider says to offers, and to whoever asks for work to be given up."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from deploy.providers.desk import Desk
from deploy.providers.parcels import Parcel
from deploy.providers.stage import Stage
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

NO_TIME = "it is on the truck already"
BETWEEN_LOOKS_SECONDS = 1.0


class Offers:
    """
    The offers and cancellations that wait for a provider's answer.

    Args:
        take_up: Called with work to go on with.
    """

    def __init__(
        self, desk: Desk, take_up: Callable[[Iterable[pb.FulfillmentOrder]], None]
    ) -> None:
        self._desk = desk
        self._me = desk.character
        self._take_up = take_up
        self._answer = Stage(self._answer_offers)
        self._give_up = Stage(self._answer_cancellations)
        self._look = Stage(self._look_after)
        # Work that it has agreed to give up: nothing of it may leave.
        self._given_up = set[str]()

    def __len__(self) -> int:
        return len(self._answer) + len(self._give_up)

    async def run(self) -> None:
        """
        Answer until cancelled.
        """
        async with asyncio.TaskGroup() as tasks:
            for stage in (self._answer, self._give_up, self._look):
                tasks.create_task(stage.run())

    def consider(self, news: pb.WatchOffersResponse) -> None:
        """
        Think about what it was told, as long as it takes. Anything may come twice.
        """
        answers = self._me.habits.answers
        for work in news.offers:
            id_ = work.offer.offer_id
            if not self._me.does("ignore", self._me.habits.ignores, id_):
                self._answer.put_later([work], seconds=answers.seconds(self._me.seed, id_))
        for order in news.cancellations:
            id_ = order.fulfillment_order_id
            self._give_up.put_later([order], seconds=answers.seconds(self._me.seed, id_))

    def without_given_up(self, parcels: Sequence[Parcel]) -> Sequence[Parcel]:
        return [p for p in parcels if p.fulfillment_order_id not in self._given_up]

    async def _answer_offers(self, offers: Sequence[pb.OfferedWork]) -> None:
        by_id = {work.offer.offer_id: work for work in offers}
        reasons = {id_: self._me.refuses(work) for id_, work in by_id.items()}
        if wanted := [work for id_, work in by_id.items() if not reasons[id_]]:
            await self._accept(wanted)
        if unwanted := [(work, reason) for id_, work in by_id.items() if (reason := reasons[id_])]:
            await self._reject(unwanted)

    async def _accept(self, wanted: Sequence[pb.OfferedWork]) -> None:
        accept = self._desk.stubs.fulfillment.AcceptOffers
        request = pb.AcceptOffersRequest(
            provider_id=self._me.id, offer_ids=[work.offer.offer_id for work in wanted]
        )
        answer = await self._desk.patience(accept, request)
        accepted = self._desk.settle(wanted, answer.results, self._answer)
        # As it is now: an order may have changed since it was offered.
        self._take_up(work for _, work in accepted)

    async def _reject(self, unwanted: Sequence[tuple[pb.OfferedWork, str]]) -> None:
        reject = self._desk.stubs.fulfillment.RejectOffers
        request = pb.RejectOffersRequest(
            provider_id=self._me.id,
            rejections=[
                pb.Rejection(offer_id=work.offer.offer_id, reason=reason)
                for work, reason in unwanted
            ],
        )
        answer = await self._desk.patience(reject, request)
        works = [work for work, _ in unwanted]
        self._desk.settle(works, answer.results, self._answer)

    async def _answer_cancellations(self, orders: Sequence[pb.FulfillmentOrder]) -> None:
        by_id = {order.fulfillment_order_id: order for order in orders}
        share = self._me.habits.refuses_cancellations
        refused = {id_ for id_ in by_id if self._me.does("refuse", share, id_)}
        # Before it says so: nothing of it leaves from now on.
        self._given_up |= by_id.keys() - refused
        answer = await self._desk.patience(
            self._desk.stubs.fulfillment.AnswerCancellations,
            pb.AnswerCancellationsRequest(
                provider_id=self._me.id,
                answers=[
                    pb.CancellationAnswer(
                        fulfillment_order_id=id_,
                        accepted=id_ not in refused,
                        reason=NO_TIME if id_ in refused else "",
                    )
                    for id_ in by_id
                ],
            ),
        )
        self._desk.settle(list(by_id.values()), answer.results, self._give_up)
        agreed = [order for id_, order in by_id.items() if id_ not in refused]
        self._look.put_later(agreed, seconds=BETWEEN_LOOKS_SECONDS)

    async def _look_after(self, orders: Sequence[pb.FulfillmentOrder]) -> None:
        """
        See what became of work that it has agreed to give up: if somebody else who works on the
        same order has not, it goes on.
        """
        for order in orders:
            look = self._desk.stubs.fulfillment.ListFulfillmentOrders
            request = pb.ListFulfillmentOrdersRequest(order_id=order.order_id)
            answer = await self._desk.patience(look, request)
            for now in answer.fulfillment_orders:
                if now.fulfillment_order_id != order.fulfillment_order_id:
                    continue
                if now.request_status == pb.REQUEST_STATUS_CANCELLATION_REQUESTED:
                    self._look.put_later([order], seconds=BETWEEN_LOOKS_SECONDS)
                    continue
                self._given_up.discard(now.fulfillment_order_id)
                if now.status == pb.FULFILLMENT_ORDER_STATUS_IN_PROGRESS:
                    self._take_up([now])
