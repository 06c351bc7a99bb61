from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.kernel.text import Sku
from chassis.saga.store import Bells
from chassis.wake import Wake
from services.order.adapters.unit_of_work import join_with, sql_unit_of_work
from services.order.application.carts.expire_carts import expire_carts
from services.order.application.place_orders import PlaceOrder
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId, Address, Channel
from tests.unit.order.shopper import Shopper

LAMP, BULB = Sku("LAMP"), Sku("BULB")
BREAKS = ((10, Money(9_00, "EUR")), (50, Money(8_00, "EUR")))
WISH = PlaceOrder(
    request_id=UUID(int=10**6),
    fingerprint=b"three lamps",
    account_id=AccountId("ada"),
    channel=Channel.CONSUMER,
    lines=(),
    shipping=None,
    discount=None,
    expected_total=Money(30_00, "EUR"),
    psp_token=PspToken("tok_visa"),
    ship_to=Address(name="Ada", lines=(), city="", postal_code="", country_code="GB"),
    reference="",
)


class Replica:
    """
    The order service without its face: a database, a catalog and a clock of its own.
    """

    def __init__(self, database) -> None:
        self.database = database
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.uow = sql_unit_of_work(
            database, join_with(told=Wake(), due=Bells(), clock=system_clock)
        )
        self.variants = {
            LAMP: SoldVariant(title="Lamp", price=Money(10_00, "EUR"), breaks=BREAKS),
            BULB: SoldVariant(title="Bulb", price=Money(1_00, "EUR")),
        }

    def clock(self) -> datetime:
        return self.now

    async def sold(self, skus):
        return {sku: self.variants[sku] for sku in skus if sku in self.variants}

    async def count(self, table):
        async with self.database.begin() as tx:
            (row,) = await tx.rows(text(f"SELECT count(*) AS all FROM {table}"))
        return row.all

    async def saved(self, *carts):
        async with self.uow() as tx:
            await tx.carts.save(carts)

    async def found(self, cart):
        async with self.uow() as tx:
            return (await tx.carts.find([cart.id])).get(cart.id)

    async def sweep(self):
        return await expire_carts(uow=self.uow, clock=self.clock)


@pytest.fixture
async def replicas(database_of):
    return [Replica(await database_of("order")) for _ in range(2)]


@pytest.fixture
def world(replicas):
    return replicas[0]


@pytest.fixture
def ada(world):
    return Shopper(world, AccountId("ada"))


@pytest.fixture
async def cart(ada):
    """
    Return a cart with three lamps for 30 EUR.
    """
    cart = await ada.create()
    return (await ada.add(cart, LAMP, 3)).cart


def everywhere(replicas, number):
    """
    Return so many shoppers of one account, each at one of *replicas* in turn.
    """
    return [Shopper(replicas[n % len(replicas)], AccountId("ada")) for n in range(number)]
