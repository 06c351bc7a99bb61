"""Stock agrees with a plain model of it, whatever happens in whatever order; in memory."""

import asyncio
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from chassis.kernel.quantity import Quantity
from services.product.application.reservations.confirm_reservations import (
    ConfirmReservation,
    confirm_reservations,
)
from services.product.application.reservations.expire_reservations import expire_reservations
from services.product.application.reservations.reduce_reservations import reduce_reservations
from services.product.application.reservations.release_reservations import (
    ReleaseReservation,
    release_reservations,
)
from services.product.application.reservations.reserve_stock import ReserveStock, reserve_stock
from services.product.domain import reservation
from services.product.domain.reservation import Reservation
from tests.stock_model import HOLD, Machine, Model, Service
from tests.unit.product.conftest import ProductWorld

HOW = settings(
    max_examples=80,
    stateful_step_count=40,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


class InMemory(Machine):
    def service(self):
        self.loop = asyncio.new_event_loop()
        return Service(self.loop.run_until_complete, ProductWorld(), 1)

    def teardown(self):
        self.ours.world.assert_conserved()
        self.loop.close()


def test_the_service_agrees_with_the_model():
    run_state_machine_as_test(InMemory, settings=HOW)


def test_the_model_sees_a_late_confirmation_that_is_honoured(monkeypatch):
    # The mistake: a hold counts as alive as long as no timer has come round.
    monkeypatch.setattr(Reservation, "_demand_alive", lambda _self, _stock, _now: None)

    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(InMemory, settings=HOW)


def test_the_model_sees_a_reduction_by_what_was_to_be_kept(monkeypatch):
    # The mistake: what is named is given back, and once more whenever it is asked again.
    def less(allocations, kept, *, of):  # noqa: ARG001
        return tuple(
            replace(a, quantity=max(a.shipped, a.quantity - kept[a.place].units))
            if a.place in kept
            else a
            for a in allocations
        )

    monkeypatch.setattr(reservation, "allocations_kept", less)

    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(InMemory, settings=HOW)


def steps():
    """
    Return every sequence of up to five verbs in which none comes more than twice, and reduce once.
    """
    verbs = ["reserve", "confirm", "reduce", "release", "expire"]
    for length in range(1, 6):
        for sequence in product(verbs, repeat=length):
            if all(sequence.count(verb) <= (1 if verb == "reduce" else 2) for verb in verbs):
                yield sequence


def test_every_order_of_verbs_ends_as_in_the_model():
    loop = asyncio.new_event_loop()
    for sequence in steps():
        ours, model = Service(loop.run_until_complete, ProductWorld(), 1), Model()
        verb, receipt = ours.book("receive", 1, "LAMP", "west", 5)
        ours.do(verb, receipt)
        model.book("receive", 1, "LAMP", "west", 5)
        id_ = ours.reservation(1)
        for step in sequence:
            match step:
                case "reserve":
                    command = ReserveStock(
                        reservation_id=id_, lines={ours.sku("LAMP"): Quantity(3)}
                    )
                    answer = ours.do(reserve_stock, command)
                    expected = model.reserve(1, {"LAMP": 3}, "ONE_LOCATION_FIRST", set())
                case "reduce":
                    kept = {("LAMP", "west"): 2}
                    answer = ours.do(reduce_reservations, ours.reduction(1, kept))
                    expected = model.reduce(1, kept)
                case "confirm":
                    answer = ours.do(confirm_reservations, ConfirmReservation(reservation_id=id_))
                    expected = model.confirm(1)
                case "release":
                    answer = ours.do(release_reservations, ReleaseReservation(reservation_id=id_))
                    expected = model.release(1)
                case _:
                    ours.world.wait(minutes=HOLD)
                    model.now += HOLD
                    ours.run(expire_reservations(uow=ours.world.uow, clock=ours.world.clock))
                    model.expire()
                    answer, expected = [""], ""
            assert answer == [expected], sequence
            assert ours.levels()["LAMP", "west"] == model.level("LAMP", "west"), sequence
        ours.world.assert_conserved()
    loop.close()
