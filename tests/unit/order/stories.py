"""What fulfillment tells about orders, as the tests of the saga need it."""

from services.order.application.note_deliveries import NoteDelivery, note_deliveries
from services.order.application.note_dispatches import NoteDispatch, note_dispatches
from services.order.application.note_unfulfillable import NoteUnfulfillable, note_unfulfillable


async def dispatch(world, order_id, shipment_id, *goods, location="main", change_number=0):
    """
    Say that a parcel left, and run what follows.
    """
    command = NoteDispatch(
        order_id=order_id,
        shipment_id=shipment_id,
        location_id=location,
        goods=goods,
        at=world.now,
        change_number=change_number,
    )
    async with world.uow() as tx:
        await note_dispatches([command], tx=tx, clock=world.clock)
    await world.run_due()


async def deliver(world, order_id, shipment_id):
    command = NoteDelivery(order_id=order_id, shipment_id=shipment_id, at=world.now)
    async with world.uow() as tx:
        await note_deliveries([command], tx=tx, clock=world.clock)
    await world.run_due()


async def lose_provider(world, order_id, *, location="main"):
    command = NoteUnfulfillable(order_id=order_id, location_id=location)
    async with world.uow() as tx:
        await note_unfulfillable([command], tx=tx, clock=world.clock)
    await world.run_due()
