from datetime import timedelta
from uuid import UUID

import pytest

from chassis.kernel.errors import InvalidInput
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.reservations.confirm_reservations import (
    ConfirmReservation,
    confirm_reservations,
)
from services.product.application.reservations.consume_reservations import (
    ConsumeReservation,
    consume_reservations,
)
from services.product.application.reservations.expire_reservations import expire_reservations
from services.product.application.reservations.extend_reservations import (
    ExtendReservation,
    extend_reservations,
)
from services.product.application.reservations.reduce_reservations import (
    ReduceReservation,
    reduce_reservations,
)
from services.product.application.reservations.release_reservations import (
    ReleaseReservation,
    release_reservations,
)
from services.product.application.reservations.reserve_stock import ReserveStock, reserve_stock
from services.product.domain.allocation import Shipment
from services.product.domain.events import ReservationReduced
from services.product.domain.movement import MovementKind
from services.product.domain.values import Goods, LocationId, Place, ShipmentId
from services.product.wire.reservations import reduction_from_wire, write_result


def place(sku, location="main"):
    return Place(sku=Sku(sku), location_id=LocationId(location))


def outcome(answer):
    return getattr(answer, "reason", None) or {
        (a.sku, a.location_id): a.quantity for a in answer.allocations if a.quantity
    }


class Asked:
    """
    The verbs of one reservation, each answered by what it keeps or by the reason of a refusal.
    """

    def __init__(self, world, id_):
        self.world, self.id = world, id_

    async def _ask(self, verb, *commands):
        answers = await verb(commands, uow=self.world.uow, clock=self.world.clock)
        return outcome(answers[0])

    async def reserve(self, **units):
        lines = {Sku(sku): Quantity(number) for sku, number in units.items()}
        return await self._ask(reserve_stock, ReserveStock(reservation_id=self.id, lines=lines))

    async def reduce(self, kept):
        kept = {place(*where): Quantity(units) for where, units in kept.items()}
        command = ReduceReservation(reservation_id=self.id, kept=kept)
        return await self._ask(reduce_reservations, command)

    async def confirm(self):
        return await self._ask(confirm_reservations, ConfirmReservation(reservation_id=self.id))

    async def release(self):
        return await self._ask(release_reservations, ReleaseReservation(reservation_id=self.id))

    async def extend(self, **duration):
        until = self.world.now + timedelta(**duration)
        command = ExtendReservation(reservation_id=self.id, expires_at=until)
        return await self._ask(extend_reservations, command)

    async def ship(self, number, location="main", **units):
        shipment = Shipment(
            id=ShipmentId(UUID(int=number)),
            location_id=LocationId(location),
            lines={Sku(sku): Quantity(number) for sku, number in units.items()},
        )
        command = ConsumeReservation(reservation_id=self.id, shipment=shipment)
        return await self._ask(consume_reservations, command)

    @property
    def state(self):
        return self.world.tables.reservations[self.id].state


LAMP, SHADE = ("LAMP", "main"), ("SHADE", "main")


@pytest.fixture
async def held(world, alice):
    await world.receive("LAMP", 5)
    await world.receive("SHADE", 5)
    asked = Asked(world, alice)
    await asked.reserve(LAMP=3, SHADE=2)
    yield asked
    world.assert_conserved()


async def test_what_is_not_kept_of_a_hold_can_be_ordered_by_others(world, held):
    assert await held.reduce({LAMP: 1, SHADE: 2}) == {LAMP: 1, SHADE: 2}

    assert (world.stock("LAMP").held, world.stock("LAMP").available) == (1, 4)
    assert world.stock("SHADE").held == 2
    assert world.events[-1] == ReservationReduced(
        reservation_id=held.id,
        goods=(
            Goods(sku=Sku("LAMP"), location_id=LocationId("main"), quantity=1),
            Goods(sku=Sku("SHADE"), location_id=LocationId("main"), quantity=2),
        ),
    )


async def test_what_is_not_kept_of_an_allocation_is_given_back(world, held):
    await held.confirm()

    assert await held.reduce({LAMP: 1, SHADE: 2}) == {LAMP: 1, SHADE: 2}

    assert (world.stock("LAMP").allocated, world.stock("LAMP").available) == (1, 4)
    assert held.state == "CONFIRMED"


async def test_the_journal_books_it_as_released_by_the_reservation(world, held):
    await held.reduce({LAMP: 1, SHADE: 2})

    movement = world.tables.movements[world.stock("LAMP").id][-1]
    assert (movement.kind, movement.held, movement.cause.id) == (MovementKind.RELEASED, -2, held.id)


async def test_of_a_place_that_is_not_named_nothing_is_kept(world, held):
    assert await held.reduce({LAMP: 3}) == {LAMP: 3}

    assert world.stock("SHADE").held == 0


async def test_reducing_again_changes_nothing_and_tells_nothing(world, held):
    await held.reduce({LAMP: 1})
    told, moved = len(world.events), len(world.tables.movements[world.stock("LAMP").id])

    assert await held.reduce({LAMP: 1}) == {LAMP: 1}

    assert len(world.events) == told
    assert len(world.tables.movements[world.stock("LAMP").id]) == moved


async def test_an_older_reduction_that_comes_late_takes_nothing_back(held):
    await held.reduce({LAMP: 1, SHADE: 1})

    assert await held.reduce({LAMP: 2, SHADE: 2}) == {LAMP: 1, SHADE: 1}


async def test_more_than_is_held_is_not_taken_in_addition(world, held):
    assert await held.reduce({LAMP: 5, SHADE: 5}) == {LAMP: 3, SHADE: 2}

    assert world.stock("LAMP").held == 3


async def test_a_reservation_cannot_keep_nothing_at_all(world, held):
    assert await held.reduce({("LAMP", "north"): 3}) == "RESERVATION_MISMATCH"

    assert (world.stock("LAMP").held, world.stock("SHADE").held) == (3, 2)


async def test_what_has_shipped_must_be_kept(world, held):
    await held.confirm()
    await held.ship(1, LAMP=2)

    assert await held.reduce({LAMP: 1, SHADE: 2}) == "ALREADY_SHIPPED"
    assert await held.reduce({SHADE: 2}) == "ALREADY_SHIPPED"
    assert world.stock("LAMP").allocated == 1

    assert await held.reduce({LAMP: 2, SHADE: 2}) == {LAMP: 2, SHADE: 2}
    assert world.stock("LAMP").allocated == 0


async def test_if_all_that_is_kept_has_shipped_it_is_consumed_and_may_be_asked_again(held):
    await held.confirm()
    await held.ship(1, LAMP=2)

    assert await held.reduce({LAMP: 2}) == {LAMP: 2}

    assert held.state == "CONSUMED"
    assert await held.reduce({LAMP: 2}) == {LAMP: 2}
    assert await held.release() == "RESERVATION_CONSUMED"
    assert await held.reduce({LAMP: 1}) == "ALREADY_SHIPPED"


async def test_nobody_reduces_what_is_not_there_or_has_ended(world, held, bob):
    assert await Asked(world, bob).reduce({LAMP: 1}) == "RESERVATION_NOT_FOUND"

    await held.release()

    assert await held.reduce({LAMP: 1}) == "RESERVATION_RELEASED"


async def test_an_overdue_hold_expires_instead_of_being_reduced(world, held):
    world.wait(minutes=10)

    assert await held.reduce({LAMP: 1}) == "RESERVATION_EXPIRED"

    assert (held.state, world.stock("LAMP").held) == ("EXPIRED", 0)


async def test_who_repeats_the_first_request_after_a_reduction_is_told_what_is_kept(world, held):
    await held.reduce({LAMP: 1})

    assert await held.reserve(LAMP=3, SHADE=2) == {LAMP: 1}
    assert await held.reserve(LAMP=1) == {LAMP: 1}
    assert await held.reserve(LAMP=2) == "RESERVATION_MISMATCH"
    assert world.stock("LAMP").held == 1


@pytest.mark.parametrize("confirmed", [False, True])
async def test_the_rest_is_given_back_once_when_it_is_released(world, held, confirmed):
    if confirmed:
        await held.confirm()
    await held.reduce({LAMP: 1})
    await held.release()

    for sku in ("LAMP", "SHADE"):
        stock = world.stock(sku)
        assert (stock.held, stock.allocated, stock.available) == (0, 0, 5)


async def test_the_rest_of_a_reduced_hold_lasts_longer_if_asked_and_then_expires_once(world, held):
    await held.reduce({LAMP: 1})
    await held.extend(hours=1)
    world.wait(minutes=30)
    assert await expire_reservations(uow=world.uow, clock=world.clock) == 0

    world.wait(minutes=31)

    assert await expire_reservations(uow=world.uow, clock=world.clock) == 1
    assert (world.stock("LAMP").available, world.stock("SHADE").available) == (5, 5)


async def test_confirming_a_reduced_hold_allocates_what_it_keeps(world, held):
    await held.reduce({LAMP: 1})
    await held.confirm()

    assert (world.stock("LAMP").allocated, world.stock("SHADE").allocated) == (1, 0)
    assert world.tables.sold == {(Sku("LAMP"), world.now.date()): 1}
    journal = [m for some in world.tables.movements.values() for m in some]
    assert all((m.on_hand, m.held, m.allocated) != (0, 0, 0) for m in journal)


async def test_shipping_all_that_is_kept_consumes_it(held):
    await held.confirm()
    await held.reduce({LAMP: 1})

    await held.ship(1, LAMP=1)

    assert held.state == "CONSUMED"
    assert await held.ship(2, SHADE=1) == "SHIPPED_TOO_MUCH"


async def test_each_of_a_batch_is_answered_on_its_own(world, held, bob):
    commands = [
        ReduceReservation(reservation_id=id_, kept={place("LAMP"): Quantity(1)})
        for id_ in (bob, held.id, held.id)
    ]

    answers = await reduce_reservations(commands, uow=world.uow, clock=world.clock)

    assert [outcome(answer) for answer in answers] == [
        "RESERVATION_NOT_FOUND",
        {LAMP: 1},
        {LAMP: 1},
    ]


async def test_a_place_of_which_nothing_is_kept_is_not_shown(world, held):
    await held.reduce({LAMP: 1})
    wire = pb.ReservationResult()

    write_result(world.tables.reservations[held.id], wire)

    assert [(a.sku, a.quantity) for a in wire.reservation.allocations] == [("LAMP", 1)]


def test_a_reduction_says_what_is_kept_at_each_place(alice):
    kept = [pb.KeptGoods(sku="LAMP", location_id=at, quantity=2) for at in ("main", "north")]

    command = reduction_from_wire(pb.Reduction(reservation_id=str(alice), kept=kept), "r[0]")

    two = Quantity(2)
    assert command == ReduceReservation(
        reservation_id=alice, kept={place("LAMP"): two, place("LAMP", "north"): two}
    )


@pytest.mark.parametrize(
    ("kept", "reason", "field"),
    [
        ([], "KEPT_OUT_OF_RANGE", "r[0].kept"),
        ([("LAMP", "main", 1)] * 2001, "KEPT_OUT_OF_RANGE", "r[0].kept"),
        ([("lamp", "main", 1)], "SKU_MALFORMED", "r[0].kept[0].sku"),
        ([("LAMP", "Main", 1)], "LOCATION_MALFORMED", "r[0].kept[0].location_id"),
        ([("LAMP", "main", 0)], "QUANTITY_OUT_OF_RANGE", "r[0].kept[0].quantity"),
        ([("LAMP", "main", 1_000_001)], "QUANTITY_OUT_OF_RANGE", "r[0].kept[0].quantity"),
        ([("LAMP", "main", 1), ("LAMP", "main", 2)], "PLACE_REPEATED", "r[0].kept[1]"),
    ],
)
def test_a_malformed_reduction_is_refused_and_names_its_field(alice, kept, reason, field):
    goods = [pb.KeptGoods(sku=s, location_id=at, quantity=units) for s, at, units in kept]

    with pytest.raises(InvalidInput) as refusal:
        reduction_from_wire(pb.Reduction(reservation_id=str(alice), kept=goods), "r[0]")

    assert (refusal.value.reason, refusal.value.field) == (reason, field)
