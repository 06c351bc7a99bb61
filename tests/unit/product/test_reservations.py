from datetime import timedelta
from uuid import UUID

import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.application.reservations.confirm_reservations import (
    ConfirmReservation,
    confirm_reservations,
)
from services.product.application.reservations.consume_reservations import (
    ConsumeReservation,
    consume_reservations,
)
from services.product.application.reservations.expire_reservations import expire_reservations
from services.product.application.reservations.release_reservations import (
    ReleaseReservation,
    release_reservations,
)
from services.product.application.reservations.reserve_stock import ReserveStock, reserve_stock
from services.product.domain.allocation import Shipment
from services.product.domain.events import (
    ReservationConfirmed,
    ReservationExpired,
    ReservationReleased,
    StockReserved,
    StockShipped,
)
from services.product.domain.values import (
    Goods,
    LocationId,
    ReservationId,
    ReservationState,
    ShipmentId,
)

LAMP, SHADE = Sku("LAMP"), Sku("SHADE")
MAIN, NORTH = LocationId("main"), LocationId("north")
PARCEL = ShipmentId(UUID(int=77))


@pytest.fixture(autouse=True)
def conserved(world):
    yield
    world.assert_conserved()


def of(sku, units):
    return {sku: Quantity(units)}


async def reserve(world, *wanted):
    commands = [ReserveStock(reservation_id=id_, lines=lines) for id_, lines in wanted]
    return await reserve_stock(commands, uow=world.uow, clock=world.clock)


async def confirm(world, *ids):
    commands = [ConfirmReservation(reservation_id=id_) for id_ in ids]
    return await confirm_reservations(commands, uow=world.uow, clock=world.clock)


async def release(world, *ids):
    commands = [ReleaseReservation(reservation_id=id_) for id_ in ids]
    return await release_reservations(commands, uow=world.uow, clock=world.clock)


async def consume(world, id_, lines, *, shipment_id=PARCEL, location_id=MAIN):
    shipment = Shipment(id=shipment_id, location_id=location_id, lines=lines)
    command = ConsumeReservation(reservation_id=id_, shipment=shipment)
    (answer,) = await consume_reservations([command], uow=world.uow, clock=world.clock)
    return answer


async def expire(world, *, limit=200):
    return await expire_reservations(uow=world.uow, clock=world.clock, limit=limit)


async def test_reserved_goods_are_held_until_they_expire(world, alice):
    await world.receive(LAMP, 5)

    (reservation,) = await reserve(world, (alice, of(LAMP, 3)))

    assert reservation.state is ReservationState.HELD
    assert reservation.expires_at == world.now + timedelta(minutes=10)
    assert (world.stock(LAMP).held, world.stock(LAMP).available) == (3, 2)
    assert world.events[-1] == StockReserved(
        reservation_id=alice,
        goods=(Goods(sku=LAMP, location_id=MAIN, quantity=3),),
        expires_at=reservation.expires_at,
    )


async def test_a_reservation_holds_all_its_lines_or_none(world, alice):
    await world.receive(LAMP, 5)
    await world.receive(SHADE, 1)

    (refusal,) = await reserve(world, (alice, of(LAMP, 3) | of(SHADE, 2)))

    assert refusal.reason == "OUT_OF_STOCK"
    assert world.stock(LAMP).available == 5
    assert alice not in world.tables.reservations


async def test_within_a_batch_the_first_come_gets_the_goods(world, alice, bob):
    await world.receive(LAMP, 5)

    first, second = await reserve(world, (alice, of(LAMP, 3)), (bob, of(LAMP, 3)))

    assert first.state is ReservationState.HELD
    assert second.reason == "OUT_OF_STOCK"


async def test_an_unknown_sku_is_out_of_stock(world, alice):
    (refusal,) = await reserve(world, (alice, of(LAMP, 1)))

    assert refusal.reason == "OUT_OF_STOCK"


async def test_who_was_refused_may_ask_again(world, alice):
    await reserve(world, (alice, of(LAMP, 1)))
    await world.receive(LAMP, 1)

    (reservation,) = await reserve(world, (alice, of(LAMP, 1)))

    assert reservation.state is ReservationState.HELD


async def test_asking_again_holds_once_and_answers_the_same(world, alice):
    await world.receive(LAMP, 5)
    (first,) = await reserve(world, (alice, of(LAMP, 3)))

    (again,) = await reserve(world, (alice, of(LAMP, 3)))

    assert again.allocations == first.allocations
    assert again.expires_at == first.expires_at
    assert world.stock(LAMP).held == 3
    assert len([e for e in world.events if isinstance(e, StockReserved)]) == 1


async def test_asking_twice_in_one_batch_holds_once(world, alice):
    await world.receive(LAMP, 5)

    answers = await reserve(world, (alice, of(LAMP, 3)), (alice, of(LAMP, 3)), (alice, of(LAMP, 1)))

    assert [getattr(a, "reason", "ok") for a in answers] == ["ok", "ok", "RESERVATION_MISMATCH"]
    assert world.stock(LAMP).held == 3


async def test_the_same_id_with_other_lines_is_refused(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)

    (refusal,) = await reserve(world, (alice, of(LAMP, 2)))

    assert refusal.reason == "RESERVATION_MISMATCH"


async def test_goods_come_from_one_location_that_has_everything(world, alice):
    await world.receive(LAMP, 9, "east")
    await world.receive(LAMP, 2, NORTH)
    await world.receive(SHADE, 2, NORTH)

    (reservation,) = await reserve(world, (alice, of(LAMP, 2) | of(SHADE, 1)))

    assert {a.location_id for a in reservation.allocations} == {NORTH}


async def test_goods_come_from_several_locations_if_none_has_everything(world, alice):
    await world.receive(LAMP, 2, "east")
    await world.receive(LAMP, 4, NORTH)

    (reservation,) = await reserve(world, (alice, of(LAMP, 5)))

    assert [(a.location_id, a.quantity) for a in reservation.allocations] == [
        ("east", 1),
        ("north", 4),
    ]


async def test_a_confirmed_reservation_never_expires(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)

    (confirmed,) = await confirm(world, alice)
    world.wait(days=2)

    assert await expire(world) == 0
    assert confirmed.state is ReservationState.CONFIRMED
    assert (world.stock(LAMP).held, world.stock(LAMP).allocated) == (0, 3)
    assert world.events[-1] == ReservationConfirmed(reservation_id=alice)


async def test_confirming_again_changes_nothing(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    await confirm(world, alice)

    again, twice = await confirm(world, alice, alice)

    assert again.state is twice.state is ReservationState.CONFIRMED
    assert world.stock(LAMP).allocated == 3


async def test_what_was_never_reserved_cannot_be_confirmed(world, alice):
    (refusal,) = await confirm(world, alice)

    assert refusal.reason == "RESERVATION_NOT_FOUND"


async def test_confirming_an_overdue_hold_expires_it_once(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    world.wait(minutes=10)

    first, second = await confirm(world, alice, alice)

    assert first.reason == second.reason == "RESERVATION_EXPIRED"
    assert world.stock(LAMP).available == 5
    assert await expire(world) == 0
    assert world.events.count(ReservationExpired(reservation_id=alice)) == 1


async def test_overdue_holds_expire_in_bounded_batches(world):
    await world.receive(LAMP, 5)
    for number in range(5):
        await world.reserve(ReservationId(UUID(int=number)), LAMP=1)
    world.wait(minutes=11)

    assert [await expire(world, limit=3) for _ in range(3)] == [3, 2, 0]
    assert world.stock(LAMP).available == 5


async def test_an_expired_id_cannot_be_used_again(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    world.wait(minutes=10)

    (refusal,) = await reserve(world, (alice, of(LAMP, 3)))

    assert refusal.reason == "RESERVATION_EXPIRED"
    assert world.stock(LAMP).available == 5


@pytest.mark.parametrize("confirmed", [False, True])
async def test_released_goods_are_available_again(world, alice, confirmed):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    if confirmed:
        await confirm(world, alice)

    first, again = await release(world, alice, alice)

    assert first.state is again.state is ReservationState.RELEASED
    assert world.stock(LAMP).available == 5
    assert world.events.count(ReservationReleased(reservation_id=alice)) == 1


async def test_a_released_reservation_is_over(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    await release(world, alice)

    refusals = [*await reserve(world, (alice, of(LAMP, 3))), *await confirm(world, alice)]

    assert [r.reason for r in refusals] == ["RESERVATION_RELEASED"] * 2
    assert world.stock(LAMP).available == 5


async def test_a_release_that_overtakes_its_reservation_wins(world, alice):
    await world.receive(LAMP, 5)

    (released,) = await release(world, alice)
    (refusal,) = await reserve(world, (alice, of(LAMP, 3)))

    assert released.state is ReservationState.RELEASED
    assert refusal.reason == "RESERVATION_RELEASED"
    assert world.stock(LAMP).available == 5


async def test_releasing_what_expired_is_no_error(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    world.wait(minutes=10)
    await expire(world)

    (answer,) = await release(world, alice)

    assert answer.state is ReservationState.EXPIRED
    assert world.stock(LAMP).available == 5


async def test_shipped_goods_leave_the_stock(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    await confirm(world, alice)

    answer = await consume(world, alice, of(LAMP, 2))

    assert answer.state is ReservationState.CONFIRMED
    assert answer.allocations[0].shipped == 2
    assert (world.stock(LAMP).on_hand, world.stock(LAMP).allocated) == (3, 1)
    assert world.events[-1] == StockShipped(
        reservation_id=alice,
        shipment_id=PARCEL,
        goods=(Goods(sku=LAMP, location_id=MAIN, quantity=2),),
    )


async def test_a_reservation_is_consumed_when_all_has_shipped(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    await confirm(world, alice)

    await consume(world, alice, of(LAMP, 2))
    answer = await consume(world, alice, of(LAMP, 1), shipment_id=ShipmentId(UUID(int=78)))

    assert answer.state is ReservationState.CONSUMED
    assert world.stock(LAMP).on_hand == 2


async def test_a_shipment_is_booked_once(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    await confirm(world, alice)
    await consume(world, alice, of(LAMP, 3))

    again = await consume(world, alice, of(LAMP, 3))
    other = await consume(world, alice, of(LAMP, 2))

    assert again.state is ReservationState.CONSUMED
    assert other.reason == "SHIPMENT_MISMATCH"
    assert world.stock(LAMP).on_hand == 2


async def test_only_what_is_allocated_at_the_location_can_ship(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    await confirm(world, alice)

    too_many = await consume(world, alice, of(LAMP, 4))
    elsewhere = await consume(world, alice, of(LAMP, 1), location_id=NORTH)
    something_else = await consume(world, alice, of(LAMP, 1) | of(SHADE, 1))

    assert {a.reason for a in (too_many, elsewhere, something_else)} == {"SHIPPED_TOO_MUCH"}
    assert world.stock(LAMP).on_hand == 5


async def test_only_confirmed_goods_can_ship(world, alice, bob):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)

    held = await consume(world, alice, of(LAMP, 1))
    unknown = await consume(world, bob, of(LAMP, 1))

    assert held.reason == "RESERVATION_NOT_CONFIRMED"
    assert unknown.reason == "RESERVATION_NOT_FOUND"


async def test_what_has_shipped_cannot_be_released(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    await confirm(world, alice)
    await consume(world, alice, of(LAMP, 3))

    (refusal,) = await release(world, alice)

    assert refusal.reason == "RESERVATION_CONSUMED"
    assert world.stock(LAMP).on_hand == 2


async def test_a_release_gives_back_what_has_not_shipped(world, alice):
    await world.receive(LAMP, 5)
    await world.reserve(alice, LAMP=3)
    await confirm(world, alice)
    await consume(world, alice, of(LAMP, 1))

    (released,) = await release(world, alice)
    again = await consume(world, alice, of(LAMP, 1))

    assert released.state is ReservationState.RELEASED
    assert world.stock(LAMP).allocated == 0
    assert world.stock(LAMP).on_hand == 4
    assert again.state is ReservationState.RELEASED


async def test_one_refusal_does_not_stop_the_others(world, alice, bob):
    await world.receive(LAMP, 5)
    await world.reserve(bob, LAMP=3)

    unknown, confirmed = await confirm(world, alice, bob)

    assert unknown.reason == "RESERVATION_NOT_FOUND"
    assert confirmed.state is ReservationState.CONFIRMED
