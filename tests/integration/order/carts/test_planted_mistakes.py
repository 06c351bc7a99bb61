"""What keeps carts right is needed: without it, the same race goes wrong."""

import asyncio
from uuid import UUID

import pytest

from chassis.kernel.money import Money
from chassis.storage.bulk import upsert_rows
from services.order.adapters import tables
from services.order.adapters.carts import SqlCarts, row_from_cart
from tests.integration.order.carts.conftest import LAMP, WISH, everywhere


async def check_out_everywhere(replicas, cart, *, total=WISH.expected_total):
    async def check_out(shopper, number):
        wish = shopper.checkout(cart, WISH, expected_total=total, request_id=UUID(int=number))
        await shopper.check_out(wish)

    shoppers = enumerate(everywhere(replicas, 40), start=1_000)
    # A cart that has become an order meanwhile may be the last to say so.
    await asyncio.gather(*(check_out(s, n) for n, s in shoppers), return_exceptions=True)
    return await replicas[0].count("orders")


async def add_everywhere(replicas, cart):
    shoppers = everywhere(replicas, 40)
    await asyncio.gather(
        *(s.add(cart, LAMP, request_id=n) for n, s in enumerate(shoppers, start=100))
    )
    return (await replicas[0].found(cart)).items[LAMP].quantity.units


async def read_only(self, cart_ids, *, and_open_of=None):  # noqa: ARG001
    return await self.find(cart_ids)


async def overwrite(self, carts):
    await upsert_rows(self._tx, tables.carts, [row_from_cart(cart) for cart in carts], key=("id",))


@pytest.fixture
def unlocked(monkeypatch):
    monkeypatch.setattr(SqlCarts, "lock", read_only)


@pytest.fixture
def unversioned(monkeypatch):
    monkeypatch.setattr(SqlCarts, "save", overwrite)


async def test_the_races_are_clean_as_they_are(replicas, cart):
    assert await add_everywhere(replicas, cart) == 43
    assert await check_out_everywhere(replicas, cart, total=Money(387_00, "EUR")) == 1


@pytest.mark.usefixtures("unlocked", "unversioned")
async def test_without_a_lock_and_a_version_changes_get_lost(replicas, cart):
    assert await add_everywhere(replicas, cart) < 43


@pytest.mark.usefixtures("unlocked", "unversioned")
async def test_without_a_lock_and_a_version_a_cart_is_sold_again_and_again(replicas, cart):
    assert await check_out_everywhere(replicas, cart) > 1


@pytest.mark.usefixtures("unlocked")
async def test_without_a_lock_the_version_stands_between(replicas, cart):
    assert await check_out_everywhere(replicas, cart) == 1
