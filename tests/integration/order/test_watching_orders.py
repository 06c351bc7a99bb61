"""An order is watched through the death of replicas, and many of them cost little."""

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from chassis.kernel.clock import system_clock
from chassis.kernel.text import Sku
from chassis.rpc.client import channel
from chassis.saga.store import Bells
from chassis.wake import Wake
from deploy.local.ports import Ports
from deploy.local.processes import Process, running
from deploy.local.services import GRPC_EXPERIMENTS
from deploy.local.topology import PYTHONPATH
from deploy.local.world.watching import watched_to_its_end
from retail.order.v1 import order_service_pb2 as pb
from retail.order.v1.order_service_pb2_grpc import OrderServiceStub
from services.order.adapters.order_changes import HeardOrderChanges
from services.order.adapters.unit_of_work import join_with, sql_unit_of_work
from services.order.domain.values import Allocation, LocationId, Reason
from tests.integration.counting import counted
from tests.integration.order.test_orders import NOW, SHOP, an_order, found, saved

STORY = (
    lambda order: order.reserve(
        [Allocation(sku=Sku("LAMP"), location_id=LocationId("main"), units=3)], NOW
    ),
    lambda order: order.authorize(NOW),
    lambda order: order.confirm(NOW),
    lambda order: order.accept_work("swift", NOW),
    lambda order: order.give_up(Reason.UNFULFILLABLE, NOW),
    lambda order: order.finish_giving_up(NOW),
)


@pytest.fixture
async def database(database_of):
    return await database_of("order")


@pytest.fixture
def uow(database):
    return sql_unit_of_work(database, join_with(told=Wake(), due=Bells(), clock=system_clock))


@pytest.fixture
async def replica(migrated, nats_url, tmp_path):
    """
    Return how to describe a replica of the service that only answers calls.
    """
    urls = await migrated("order")

    def describe(number):
        address = f"127.0.0.1:{Ports({}).take()}"
        return Process(
            name=f"order-{number}",
            role="order",
            command=(sys.executable, "-m", "services.order"),
            address=address,
            check=f"grpc://{address}",
            log=tmp_path / f"order-{number}.log",
            environment={
                "DATABASE_URL": urls.app,
                "NATS_URL": nats_url,
                "GRPC_ADDRESS": address,
                "INSTANCE": f"order-{number}",
                "ROLES": "api",
                "PYTHONPATH": PYTHONPATH,
                "GRPC_EXPERIMENTS": GRPC_EXPERIMENTS,
            },
        )

    return describe


class Client:
    """
    The services as a customer sees them who knows two replicas of order.
    """

    def __init__(self, open_channel):
        self.order = OrderServiceStub(open_channel)


@asynccontextmanager
async def watching(order, *replicas):
    """
    Watch *order* for the length of the block; give a queue of what is seen.
    """
    seen = asyncio.Queue()
    wire = pb.Order(order_id=str(order.id), account_id=SHOP)
    target = f"ipv4:{','.join(replica.address for replica in replicas)}"

    async def watch(client):
        async for news in watched_to_its_end(wire, client):
            await seen.put(news)

    async with channel(target) as open_channel, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch(Client(open_channel)))
        yield seen, task


async def test_a_watcher_goes_on_at_another_replica_and_sees_everything_once(uow, replica):
    order = await saved(uow, an_order())
    first, second = replica(1), replica(2)
    seen = []

    async def happens(number):
        changed = await found(uow, order.id)
        STORY[number](changed)
        await saved(uow, changed)

    async with running(first) as (child,), watching(order, first, second) as (queue, task):
        async with asyncio.timeout(60):
            seen.append(await queue.get())
            await happens(0)
            seen.append(await queue.get())
            async with running(second):
                child.kill()
                await child.wait()
                # While it is cut off, and after it has found the other one.
                await happens(1)
                await happens(2)
                while seen[-1].version < 4:
                    seen.append(await queue.get())
                for number in (3, 4, 5):
                    await happens(number)
                await task
        while not queue.empty():
            seen.append(queue.get_nowait())

    versions = [news.version for news in seen]
    assert versions == sorted(set(versions))
    assert (versions[:2], versions[-1]) == ([1, 2], 7)
    entries, told = [], 0
    for news in seen:
        entries += [entry.what for entry in news.timeline[told:]]
        told = len(news.timeline)
    assert entries == [
        "order accepted",
        "stock reserved",
        "payment authorized",
        "order confirmed",
        "work accepted",
        "given up: UNFULFILLABLE",
        "stock released, payment voided",
        "order cancelled: UNFULFILLABLE",
    ]


async def watch_on(changes, orders):
    """
    Begin to watch each order; return the watches, each past its first look.
    """
    watches = [changes.watch(order.id) for order in orders]
    for watch in watches:
        await anext(watch)
    return watches


async def test_any_number_of_watchers_is_one_statement(uow, database, broker):
    changes = HeardOrderChanges(broker, database)
    orders = [await saved(uow, an_order()) for _ in range(3)]
    watches = await watch_on(changes, orders * 50)

    with counted(database) as statements:
        await changes.look()

    assert len(statements) == 1
    for watch in watches:
        await watch.aclose()
    with counted(database) as statements:
        await changes.look()
    assert statements == []


async def test_who_watches_hears_of_his_order_alone(uow, database, broker):
    changes = HeardOrderChanges(broker, database)
    mine, other = [await saved(uow, an_order()) for _ in range(2)]
    watches = await watch_on(changes, [mine, other])
    # The first look cannot tell whether something has happened since they looked themselves.
    await changes.look()
    await asyncio.gather(*(anext(watch) for watch in watches))

    # It tells no event.
    mine.reserve([Allocation(sku=Sku("LAMP"), location_id=LocationId("main"), units=3)], NOW)
    await saved(uow, mine)
    await changes.look()

    hearing, deaf = (asyncio.create_task(anext(watch)) for watch in watches)
    async with asyncio.timeout(5):
        await hearing
    assert not deaf.done()
    changes.close()
    await asyncio.gather(deaf, return_exceptions=True)
