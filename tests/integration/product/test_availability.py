import asyncio

from sqlalchemy import event

from retail.product.v1 import stock_service_pb2 as pb
from services.product.entrypoints.stock_servicer import StockServicer


async def available(servicer, *skus):
    answer = await servicer.BatchGetAvailability(
        pb.BatchGetAvailabilityRequest(skus=skus), context=None
    )
    return {each.sku: each.available for each in answer.availabilities}


async def test_availability_is_summed_over_locations_less_what_is_promised(replica, new_id):
    await replica.receive(10)
    await replica.receive(5, location="shop")
    await replica.reserve((new_id(), {"LAMP": 4}))

    servicer = StockServicer(uow=replica.uow, clock=replica.clock)

    assert await available(servicer, "LAMP", "NONE") == {"LAMP": 11, "NONE": 0}


async def test_within_a_second_many_who_ask_share_one_statement(replica):
    await replica.receive(10)
    servicer = StockServicer(uow=replica.uow, clock=replica.clock)
    asked = []
    event.listen(
        replica.database._engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _cur, statement, *_: asked.append(statement),
    )

    answers = await asyncio.gather(*(available(servicer, "LAMP") for _ in range(50)))

    assert answers == [{"LAMP": 10}] * 50
    assert len([each for each in asked if "stock_items" in each]) <= 2
