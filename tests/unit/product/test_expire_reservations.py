"""A reservation that does not agree with the books is a bug, and harms no other."""

import logging

import pytest

from services.product.application.reservations.expire_reservations import (
    LEFT_OUT,
    expire_reservations,
)
from services.product.domain.values import ReservationState


@pytest.fixture
async def world(world, alice, bob):
    """
    Two holds that are overdue; nobody knows any more of the shade that Alice was promised.
    """
    await world.receive("LAMP", 5)
    await world.receive("SHADE", 5)
    await world.reserve(alice, LAMP=1, SHADE=1)
    await world.reserve(bob, LAMP=1)
    world.wait(minutes=10)
    world.stock("SHADE").held = 0
    return world


def state(world, id_):
    return world.tables.reservations[id_].state


@pytest.mark.parametrize("limit", [1, 200])
async def test_a_broken_reservation_keeps_no_other_from_expiring(world, alice, bob, caplog, limit):
    expired = await expire_reservations(uow=world.uow, clock=world.clock, limit=limit)

    assert expired == 1
    assert state(world, bob) is ReservationState.EXPIRED
    assert state(world, alice) is ReservationState.HELD
    assert world.stock("LAMP").held == 1
    assert [str(alice) in record.message for record in caplog.records] == [True]


async def test_a_reservation_whose_stock_has_vanished_is_broken_too(world, bob):
    del world.tables.stock_items[world.stock("SHADE").id]

    assert await expire_reservations(uow=world.uow, clock=world.clock) == 1

    assert state(world, bob) is ReservationState.EXPIRED


async def test_what_is_broken_is_tried_again_after_a_while(world, alice, caplog):
    broken = {}
    how = {"uow": world.uow, "clock": world.clock, "broken": broken}

    expired = [await expire_reservations(**how) for _ in range(3)]
    world.stock("SHADE").held = 1
    too_early = await expire_reservations(**how)
    world.wait(seconds=LEFT_OUT.total_seconds())
    later = await expire_reservations(**how)

    assert (expired, too_early, later) == ([1, 0, 0], 0, 1)
    assert state(world, alice) is ReservationState.EXPIRED
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
