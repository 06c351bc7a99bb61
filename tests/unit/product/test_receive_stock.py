from dataclasses import replace
from uuid import UUID

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.application.stock.receive_stock import ReceiveStock, receive_stock
from services.product.domain.events import StockReceived, StockReplenished
from services.product.domain.values import LocationId

LAMP, MAIN = Sku("LAMP"), LocationId("main")
FIVE_LAMPS = ReceiveStock(request_id=UUID(int=1), sku=LAMP, location_id=MAIN, quantity=Quantity(5))


async def receive(world, *commands):
    return await receive_stock(commands, uow=world.uow, clock=world.clock)


async def test_received_goods_are_available(world):
    (item,) = await receive(world, FIVE_LAMPS)

    assert item.available == 5
    assert world.events == [
        StockReceived(sku=LAMP, location_id=MAIN, quantity=5, on_hand=5),
        StockReplenished(sku=LAMP, location_id=MAIN, available=5),
    ]
    world.assert_conserved()


async def test_a_receipt_is_booked_once(world):
    await receive(world, FIVE_LAMPS)

    again, twice = await receive(world, FIVE_LAMPS, FIVE_LAMPS)

    assert again.on_hand == twice.on_hand == 5
    assert len(world.events) == 2


async def test_a_receipt_with_a_used_id_and_other_goods_is_refused(world):
    other = replace(FIVE_LAMPS, quantity=Quantity(6))

    first, refusal = await receive(world, FIVE_LAMPS, other)

    assert first.on_hand == 5
    assert refusal.reason == "REQUEST_ID_REUSED"


async def test_receipts_of_one_sku_add_up(world):
    more = replace(FIVE_LAMPS, request_id=UUID(int=2), quantity=Quantity(2))

    await receive(world, FIVE_LAMPS, more)

    assert world.stock(LAMP).on_hand == 7
    received = [event for event in world.events if isinstance(event, StockReceived)]
    assert [event.on_hand for event in received] == [5, 7]
    world.assert_conserved()
