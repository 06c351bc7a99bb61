from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.kernel.errors import InvalidInput
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.reservations.confirm_reservations import (
    ConfirmReservation,
    confirm_reservations,
)
from services.product.application.reservations.expire_reservations import expire_reservations
from services.product.application.reservations.extend_reservations import (
    ExtendReservation,
    extend_reservations,
)
from services.product.application.reservations.release_reservations import (
    ReleaseReservation,
    release_reservations,
)
from services.product.domain.events import ReservationExtended
from services.product.wire.reservations import extension_from_wire

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


async def extend(world, id_, **duration):
    command = ExtendReservation(reservation_id=id_, expires_at=NOON + timedelta(**duration))
    (answer,) = await extend_reservations([command], uow=world.uow, clock=world.clock)
    return getattr(answer, "reason", None) or answer.expires_at - NOON


@pytest.fixture
async def held(world, alice):
    await world.receive("LAMP", 5)
    await world.reserve(alice, LAMP=3)
    yield alice
    world.assert_conserved()


async def test_an_extended_hold_outlives_its_first_time(world, held):
    assert await extend(world, held, hours=1) == timedelta(hours=1)
    world.wait(minutes=30)

    assert await expire_reservations(uow=world.uow, clock=world.clock) == 0
    assert world.stock("LAMP").held == 3
    assert world.events[-1] == ReservationExtended(
        reservation_id=held, expires_at=NOON + timedelta(hours=1)
    )


async def test_a_hold_never_gets_shorter_and_tells_nothing_of_it(world, held):
    await extend(world, held, hours=1)
    told = len(world.events)

    assert await extend(world, held, hours=1) == timedelta(hours=1)
    assert await extend(world, held, minutes=20) == timedelta(hours=1)
    assert len(world.events) == told


async def test_an_overdue_hold_expires_instead(world, held):
    world.wait(minutes=10)

    assert await extend(world, held, hours=1) == "RESERVATION_EXPIRED"
    assert await extend(world, held, hours=1) == "RESERVATION_EXPIRED"
    assert world.stock("LAMP").available == 5


async def test_what_no_longer_expires_is_not_extended(world, held):
    command = ConfirmReservation(reservation_id=held)
    await confirm_reservations([command], uow=world.uow, clock=world.clock)

    assert await extend(world, held, hours=1) == "RESERVATION_CONFIRMED"


async def test_what_was_given_back_is_not_extended(world, held):
    command = ReleaseReservation(reservation_id=held)
    await release_reservations([command], uow=world.uow, clock=world.clock)

    assert await extend(world, held, hours=1) == "RESERVATION_RELEASED"


async def test_what_was_never_held_is_not_extended(world, bob):
    assert await extend(world, bob, hours=1) == "RESERVATION_NOT_FOUND"


@pytest.mark.parametrize(
    "expire_time",
    [None, Timestamp(seconds=int(NOON.timestamp()) + 86_401), Timestamp(seconds=2**62)],
)
def test_a_time_beyond_a_day_or_none_at_all_is_refused(expire_time):
    wire = pb.Extension(reservation_id=str(UUID(int=1)), expire_time=expire_time)

    with pytest.raises(InvalidInput) as refusal:
        extension_from_wire(wire, "extensions[2]", now=NOON)

    assert refusal.value.field == "extensions[2].expire_time"
