"""
What offers are, told twice: in a few dictionaries here, and by the service.

A machine does the same to both, in any order, everything perhaps again, and compares them after
each step.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from chassis.kernel.errors import DomainError
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.answer_cancellations import (
    AnswerCancellation,
    answer_cancellations,
)
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    cancel_fulfillment,
)
from services.fulfillment.application.expire_offers import expire_offers
from services.fulfillment.application.providers.put_provider import put_provider
from services.fulfillment.application.providers.resume_provider import resume_provider
from services.fulfillment.application.providers.suspend_provider import (
    SuspendProvider,
    suspend_provider,
)
from services.fulfillment.application.reject_offers import RejectOffer, reject_offers
from services.fulfillment.domain.calendar import WorkingHours
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.values import OfferId, OrderId, ProviderId

EVERY_DAY = WorkingHours(weekdays=frozenset(range(1, 8)), cutoff=time(16))
NAMES = ("ace", "bea", "cy")


@dataclass
class Told:
    """
    An offer, as the model knows it.
    """

    provider: str
    expires_at: datetime
    state: str = "SUBMITTED"
    day: date | None = None


class Offers:
    """
    Does things to the service and to the model of it.
    """

    def __init__(self, world):
        self.world = world
        self.capacity = {"ace": 1, "bea": 2, "cy": 0}
        self.suspended = set()
        self.told: dict[OrderId, dict[OfferId, Told]] = {}
        for name in NAMES:
            world.given_provider(name, daily_capacity=self.capacity[name], hours=EVERY_DAY)

    @property
    def today(self) -> date:
        """
        The day that is filled now.
        """
        now = self.world.now
        return now.date() + timedelta(days=now.hour >= 16)

    def taken(self) -> Counter:
        return Counter(
            (offer.provider, offer.day)
            for offers in self.told.values()
            for offer in offers.values()
            if offer.state == "ACCEPTED"
        )

    def offer(self, number: int, age: int) -> OfferId:
        """
        Return an offer that was made for some order, or, if there are none, an id of none.
        """
        offers = list(self.told.get(order(number), {}))
        return offers[age % len(offers)] if offers else OfferId(UUID(int=9))

    async def confirm(self, number: int) -> None:
        self.told.setdefault(order(number), {})
        await self.world.confirm(order(number), leeds={"LAMP": 3})
        self.compare()

    async def accept(self, number: int, age: int, by: str) -> None:
        id_ = self.offer(number, age)
        command = AcceptOffer(offer_id=id_, provider_id=ProviderId(by))
        expected = self._accepted(order(number), id_, by)
        (answer,) = await accept_offers([command], **self.world.offering)
        assert reason_of(answer) == expected
        self.compare()

    async def reject(self, number: int, age: int, by: str) -> None:
        id_ = self.offer(number, age)
        command = RejectOffer(offer_id=id_, provider_id=ProviderId(by), reason="no")
        expected = self._rejected(order(number), id_, by)
        (answer,) = await reject_offers([command], **self.world.offering)
        assert reason_of(answer) == expected
        self.compare()

    async def expire(self) -> None:
        for order_id in self.told:
            self._lapse(order_id)
        await expire_offers(**self.world.offering)
        self.compare()

    async def cancel(self, number: int) -> None:
        """
        Have work given up; a provider who has taken it on is asked, and says yes.
        """
        command = CancelFulfillment(order_id=order(number))
        await cancel_fulfillment([command], **self.world.asking)
        for work in self.world.work_on(order(number)):
            if work.is_asked:
                answer = AnswerCancellation(
                    fulfillment_order_id=work.id,
                    provider_id=work.live_offer.provider_id,
                    accepted=True,
                    reason="",
                )
                await answer_cancellations([answer], **self.world.asking)
        self.told.setdefault(order(number), {})
        for offer in self.told[order(number)].values():
            if offer.state in ("SUBMITTED", "ACCEPTED"):
                offer.state = "WITHDRAWN"
        self.compare()

    async def suspend(self, name: str, *, suspended: bool) -> None:
        if suspended:
            self.suspended.add(name)
            command = SuspendProvider(provider_id=ProviderId(name), reason="")
            await suspend_provider(command, uow=self.world.uow)
        else:
            self.suspended.discard(name)
            await resume_provider(ProviderId(name), uow=self.world.uow)

    async def hire(self, name: str, capacity: int) -> None:
        provider: Provider = self.world.providers[ProviderId(name)]
        self.capacity[name] = capacity
        await put_provider(replace(provider, daily_capacity=capacity), uow=self.world.uow)

    def compare(self) -> None:
        """
        Learn of offers that were just made, and see that all else is as it should be.
        """
        for order_id, told in self.told.items():
            for work in self.world.work_on(order_id):
                for offer in work.offers:
                    if offer.id not in told:
                        self._must_be_askable(offer.provider_id, told)
                        told[offer.id] = Told(offer.provider_id, offer.expires_at)
                states = {offer.id: str(offer.state) for offer in work.offers}
                assert states == {id_: offer.state for id_, offer in told.items()}
                live = [s for s in states.values() if s in ("SUBMITTED", "ACCEPTED")]
                assert len(live) <= 1
        noted = Counter()
        for note in self.world.notes:
            noted[note.provider_id, note.day] += note.taken
        assert {key: count for key, count in noted.items() if count} == self.taken()

    def _must_be_askable(self, name: str, told) -> None:
        assert name not in {offer.provider for offer in told.values()}
        assert name not in self.suspended
        assert self._has_room(name)

    def _has_room(self, name: str) -> bool:
        return not self.capacity[name] or self.taken()[name, self.today] < self.capacity[name]

    def _accepted(self, order_id: OrderId, id_: OfferId, by: str) -> str:
        self._lapse(order_id)
        offer = self.told.get(order_id, {}).get(id_)
        if offer is None or offer.provider != by:
            return "OFFER_NOT_FOUND"
        if offer.state == "SUBMITTED":
            if not self._has_room(by):
                offer.state = "REJECTED"
                return "CAPACITY_EXCEEDED"
            offer.state, offer.day = "ACCEPTED", self.today
        return "" if offer.state == "ACCEPTED" else f"OFFER_{offer.state}"

    def _rejected(self, order_id: OrderId, id_: OfferId, by: str) -> str:
        offer = self.told.get(order_id, {}).get(id_)
        if offer is None or offer.provider != by:
            return "OFFER_NOT_FOUND"
        if offer.state == "SUBMITTED":
            offer.state = "REJECTED"
        return "OFFER_ACCEPTED" if offer.state == "ACCEPTED" else ""

    def _lapse(self, order_id: OrderId) -> None:
        for offer in self.told.get(order_id, {}).values():
            if offer.state == "SUBMITTED" and offer.expires_at <= self.world.now:
                offer.state = "EXPIRED"


def order(number: int) -> OrderId:
    return OrderId(UUID(int=number))


def reason_of(answer) -> str:
    return answer.reason if isinstance(answer, DomainError) else ""
