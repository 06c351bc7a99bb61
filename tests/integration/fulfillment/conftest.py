from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.ids import new_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.wake import Wake
from services.fulfillment.adapters.unit_of_work import SqlTransaction, sql_unit_of_work
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.open_fulfillment_orders import (
    OpenFulfillmentOrders,
    open_fulfillment_orders,
)
from services.fulfillment.application.providers.put_provider import put_provider
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.returns.values import AccountId
from services.fulfillment.domain.values import Address, Goods, LocationId, OrderId, ProviderId

HOME = Address(
    name="A. Consignee", lines=("1 High St",), city="Hull", postal_code="HU1", country_code="GB"
)


class Fulfillment:
    """
    The fulfillment service without its face: its database, and a clock of its own.
    """

    def __init__(self, database) -> None:
        self.database = database
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.told = Wake()
        self.uow = sql_unit_of_work(database, told=self.told, clock=self.clock)
        self.join = partial(SqlTransaction, told=self.told, clock=self.clock)
        self.answer_within = timedelta(seconds=30)
        self.account_id = AccountId("shop-1")
        self.offering = {
            "uow": self.uow,
            "clock": self.clock,
            "answer_within": self.answer_within,
        }

        self.asking = {
            "uow": self.uow,
            "clock": self.clock,
            "answer_within": timedelta(hours=1),
        }

    def clock(self) -> datetime:
        return self.now

    def later(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    async def given_provider(self, name, **known) -> None:
        await put_provider(Provider(id=ProviderId(name), name=name, **known), uow=self.uow)

    async def confirm(self, *order_ids, units=3) -> None:
        commands = [
            OpenFulfillmentOrders(
                order_id=order_id,
                account_id=self.account_id,
                ship_to=HOME,
                goods=((LocationId("leeds"), Goods(Sku("LAMP"), Quantity(units))),),
            )
            for order_id in order_ids
        ]
        async with self.database.begin() as tx:
            await open_fulfillment_orders(
                commands, tx=self.join(tx), clock=self.clock, answer_within=self.answer_within
            )

    async def given_work(self, *order_ids):
        await self.confirm(*order_ids)
        return await self.work_on(*order_ids)

    async def given_accepted_work(self, *order_ids):
        offers = [order.live_offer for order in await self.given_work(*order_ids)]
        commands = [AcceptOffer(offer_id=o.id, provider_id=o.provider_id) for o in offers]
        await accept_offers(commands, **self.offering)
        return await self.work_on(*order_ids)

    async def work_on(self, *order_ids):
        async with self.uow() as tx:
            return await tx.fulfillment_orders.of_orders(order_ids)

    async def told_of(self, aggregate_id: UUID) -> list[str]:
        """
        Return the events told of an aggregate, and see to it that none is missing.
        """
        async with self.database.begin() as tx:
            rows = await tx.rows(
                text(
                    "SELECT subject, aggregate_version FROM outbox WHERE aggregate_id = :id"
                    " ORDER BY position"
                ),
                {"id": aggregate_id},
            )
        assert [row.aggregate_version for row in rows] == list(range(1, len(rows) + 1))
        return [row.subject.removeprefix("retail.fulfillment.v1.") for row in rows]


@pytest.fixture
async def fulfillment(database_of) -> Fulfillment:
    return Fulfillment(await database_of("fulfillment"))


@pytest.fixture
def order_id() -> OrderId:
    return OrderId(new_id())
