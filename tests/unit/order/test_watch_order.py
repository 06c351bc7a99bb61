import pytest

from services.order.application.place_orders import place_orders
from services.order.application.ports import OrderNotFound
from services.order.application.watch_order import VersionNegative, watch_order
from services.order.domain.values import AccountId, OrderStatus

SHOP = AccountId("shop-1")


class Steps:
    """
    Changes of orders: one after each step that a test has prepared.
    """

    def __init__(self, *steps):
        self.steps = steps

    async def watch(self, _order_id):
        yield
        for step in self.steps:
            await step()
            yield


async def changed(world, order_id, change):
    async with world.uow() as tx:
        order = (await tx.find([order_id]))[order_id]
        change(order)
        await tx.save([order])


def waiting(world, order_id):
    async def step():
        await changed(world, order_id, lambda order: order.wait_longer("waited", world.now))

    return step


async def nothing():
    pass


@pytest.fixture
async def order(world, a_command):
    (order,) = await place_orders([a_command()], uow=world.uow, catalog=world, clock=world.clock)
    return order


async def versions(world, order, *steps, **more):
    watching = watch_order(SHOP, order.id, uow=world.uow, changes=Steps(*steps), **more)
    return [(seen.version, len(timeline)) async for seen, timeline in watching]


async def test_it_is_seen_as_it_is_and_after_each_change(world, order):
    wait = waiting(world, order.id)

    assert await versions(world, order, wait, nothing, wait) == [(1, 1), (2, 2), (3, 3)]


async def test_who_goes_on_sees_what_is_new_and_nothing_twice(world, order):
    wait = waiting(world, order.id)
    seen = await versions(world, order, wait)

    more = await versions(world, order, nothing, wait, after_version=seen[-1][0])

    assert [*seen, *more] == [(1, 1), (2, 2), (3, 3)]


async def test_a_stream_that_forgot_where_it_was_would_say_it_twice(world, order):
    wait = waiting(world, order.id)
    seen = await versions(world, order, wait)

    more = await versions(world, order, nothing, wait, after_version=0)

    assert [*seen, *more] == [(1, 1), (2, 2), (2, 2), (3, 3)]


async def test_a_version_that_is_not_there_yet_is_waited_for(world, order):
    wait = waiting(world, order.id)

    assert await versions(world, order, wait, wait, wait, after_version=3) == [(4, 4)]


async def test_an_order_that_has_ended_is_followed_no_longer(world, order):
    world.refuse("reserve", "OUT_OF_STOCK")
    await world.run_due()
    ended = world.orders[order.id]

    seen = await versions(world, order, nothing, nothing)
    more = await versions(world, order, nothing, nothing, after_version=ended.version)

    assert ended.status is OrderStatus.REJECTED
    assert [version for version, _ in seen] == [ended.version]
    assert more == []


async def test_no_version_is_negative(world, order):
    with pytest.raises(VersionNegative) as refusal:
        await versions(world, order, after_version=-1)

    assert refusal.value.field == "after_version"


async def test_anothers_order_cannot_be_watched(world, order):
    watching = watch_order(AccountId("shop-2"), order.id, uow=world.uow, changes=Steps())

    with pytest.raises(OrderNotFound):
        await anext(watching)
