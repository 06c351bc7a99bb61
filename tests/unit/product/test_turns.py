from services.product.application.reservations.release_reservations import (
    ReleaseReservation,
    release_reservations,
)
from services.product.domain.events import StockDepleted, StockReplenished


def turns(world):
    told = [e for e in world.events if isinstance(e, StockDepleted | StockReplenished)]
    return [type(event).__name__ for event in told]


async def test_the_last_unit_held_tells_that_nothing_is_left(world, alice, bob):
    await world.receive("LAMP", 5)

    await world.reserve(alice, LAMP=3)
    assert turns(world) == ["StockReplenished"]
    await world.reserve(bob, LAMP=2)

    assert turns(world) == ["StockReplenished", "StockDepleted"]


async def test_what_comes_back_tells_how_much_can_be_ordered(world, alice):
    await world.receive("LAMP", 5)
    await world.reserve(alice, LAMP=5)

    command = ReleaseReservation(reservation_id=alice)
    await release_reservations([command], uow=world.uow, clock=world.clock)

    assert turns(world) == ["StockReplenished", "StockDepleted", "StockReplenished"]
    (replenished,) = [e for e in world.events[-2:] if isinstance(e, StockReplenished)]
    assert replenished.available == 5
