"""The process that plays service providers, on a whole cluster."""

import asyncio

import pytest

from deploy.local.ports import HOST, Ports
from deploy.local.processes import running
from deploy.local.providers import providers_process
from deploy.local.world.patience import Patience
from deploy.providers.file import read_cast
from deploy.providers.provider import Provider, retire
from retail.common.v1.address_pb2 import Address
from retail.fulfillment.v1 import fulfillment_service_pb2 as fulfillment_pb
from retail.order.v1 import order_service_pb2 as pb

# Where no other provider goes.
ISLAND = "TV"

CAST = """
[carrier]
step_ms = 10
doubles = 0.5
delays = 0.5
late_ms = 50
[[providers]]
id = "picky"
name = "Picky"
rank = 1
regions = ["TV"]
rejects = {{ more_units_than = 2, reason = "too heavy" }}

[[providers]]
id = "slow"
name = "Slow"
rank = 2
regions = ["TV"]
parcels = 2
habits.answers = {{ after_ms = 50, spread_ms = 100 }}
habits.packs = true
habits.tracked = true
habits.dispatches.after_ms = {dispatch_ms}
"""


@pytest.fixture
async def play(cluster, services, tmp_path):
    """
    Run the process: `async with play(dispatch_ms=0) as process:`. Afterwards nobody is offered
    anything any more.
    """
    file = tmp_path / "providers.toml"

    def life(dispatch_ms):
        file.write_text(CAST.format(dispatch_ms=dispatch_ms))
        address = f"{HOST}:{Ports({}).take()}"
        target = cluster.targets["fulfillment"]
        return running(providers_process(file, target, address, tmp_path))

    yield life
    await retire([Provider(each, services, Patience()) for each in read_cast(file).characters])


async def place(shop, units):
    sku = await shop.lamps(units)
    return await shop.place(sku, units, ship_to=Address(name="Ada", country_code=ISLAND))


async def work_on(services, order):
    request = fulfillment_pb.ListFulfillmentOrdersRequest(order_id=order.order_id)
    answer = await services.fulfillment.ListFulfillmentOrders(request)
    return answer.fulfillment_orders


async def accepted(services, order):
    async with asyncio.timeout(30):
        while True:
            work = await work_on(services, order)
            if work and work[0].status == fulfillment_pb.FULFILLMENT_ORDER_STATUS_IN_PROGRESS:
                return work[0]
            await asyncio.sleep(0.05)


async def test_the_picky_reject_what_the_slow_do_then(services, shop, play):
    async with play(dispatch_ms=100):
        small, large = await place(shop, 2), await place(shop, 5)
        ends = [await shop.outcome_of(order.order_id) for order in (small, large)]

    assert [order.status for order in ends] == 2 * [pb.ORDER_STATUS_COMPLETED]
    (work,) = await work_on(services, small)
    assert [offer.provider_id for offer in work.offers] == ["picky"]
    (work,) = await work_on(services, large)
    assert [(offer.provider_id, offer.reason) for offer in work.offers] == [
        ("picky", "too heavy"),
        ("slow", ""),
    ]
    assert [shipment.lines[0].quantity for shipment in work.shipments] == [2, 3]


async def test_whoever_is_killed_goes_on_with_what_it_had_accepted(services, shop, play):
    # In its first life it would not send anything for a day.
    async with play(dispatch_ms=86_400_000) as (process,):
        order = await place(shop, 5)
        before = await accepted(services, order)
        process.kill()
        await process.wait()

    async with play(dispatch_ms=0):
        end = await shop.outcome_of(order.order_id)

    assert before.shipments == []
    assert end.status == pb.ORDER_STATUS_COMPLETED
    (work,) = await work_on(services, order)
    assert [shipment.lines[0].quantity for shipment in work.shipments] == [2, 3]
